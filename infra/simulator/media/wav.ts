/** Bytes of the head of a WAV file as it is written here. */
const headBytes = 44;

/** The head of a WAV file with so many samples of 16 bits, one channel, `rate` of them a second. */
export function writeWavHead(samples: number, rate: number): Buffer {
  const size = samples * 2;
  const head = Buffer.alloc(headBytes);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(headBytes - 8 + size, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(size, 40);
  return head;
}
