/** How a WAV file is laid out; what is not given is plain: 16 kHz, one channel, 16 bits. */
export interface WavForm {
  seconds: number;
  rate?: number;
  channels?: number;
  bits?: number;
  /** 1 is PCM. */
  format?: number;
  /** The format in an extensible header. */
  extensible?: number;
  /** What the header says in place of the truth. */
  bytesPerSecond?: number;
  dataSize?: number;
  before?: Uint8Array[];
  behind?: Uint8Array[];
}

/** Makes a WAV file of silence. */
export function makeWav({
  seconds,
  rate = 16_000,
  channels = 1,
  bits = 16,
  ...rest
}: WavForm): Uint8Array<ArrayBuffer> {
  const { format = 1, extensible, before = [], behind = [] } = rest;
  const frame = channels * Math.ceil(bits / 8);
  const sound = new Uint8Array(Math.round(seconds * rate) * frame);
  const layout = new DataView(new ArrayBuffer(extensible === undefined ? 16 : 40));
  layout.setUint16(0, extensible === undefined ? format : 0xfffe, true);
  layout.setUint16(2, channels, true);
  layout.setUint32(4, rate, true);
  layout.setUint32(8, rest.bytesPerSecond ?? rate * frame, true);
  layout.setUint16(12, frame, true);
  layout.setUint16(14, bits, true);
  if (extensible !== undefined) layout.setUint16(24, extensible, true);
  const parts = [
    chunk("fmt ", new Uint8Array(layout.buffer)),
    ...before,
    chunk("data", sound, rest.dataSize),
    ...behind,
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 12);
  const bytes = new Uint8Array(length);
  bytes.set(new TextEncoder().encode("RIFF....WAVE"));
  new DataView(bytes.buffer).setUint32(4, length - 8, true);
  let at = 12;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function chunk(name: string, content: Uint8Array, size = content.length): Uint8Array {
  const bytes = new Uint8Array(8 + content.length + (content.length % 2));
  bytes.set(new TextEncoder().encode(name));
  new DataView(bytes.buffer).setUint32(4, size, true);
  bytes.set(content, 8);
  return bytes;
}
