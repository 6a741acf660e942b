/** Samples a second. */
export const speechRate = 24_000;
const msPerCharacter = 60;
const loudness = 8_000;
const pitch = 220;

/** How long a text is spoken, in ms: 60 a character at a speed of 1. */
export function countSpokenMs(text: string, speed: number): number {
  return Math.max(1, Math.round((Array.from(text).length * msPerCharacter) / speed));
}

/** A piece of speech, which is a tone: samples of 16 bits from `fromMs` on, for so long. */
export function speak(fromMs: number, ms: number): Buffer {
  const samples = Math.round((ms * speechRate) / 1_000);
  const first = Math.round((fromMs * speechRate) / 1_000);
  const bytes = Buffer.alloc(samples * 2);
  for (let at = 0; at < samples; at++)
    bytes.writeInt16LE(Math.round(loudness * Math.sin((2 * Math.PI * pitch * (first + at)) / speechRate)), at * 2);
  return bytes;
}
