import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readWavSeconds } from "#edge/protocol/media/wav.ts";
import { makeWav } from "#test/support/media/sound.ts";

const chunk = (name: string, content: Uint8Array) => {
  const bytes = new Uint8Array(8 + content.length + (content.length % 2));
  bytes.set(new TextEncoder().encode(name));
  new DataView(bytes.buffer).setUint32(4, content.length, true);
  bytes.set(content, 8);
  return bytes;
};

describe("how long a WAV file is", () => {
  test.each([
    [{ seconds: 2.5 }, 2.5],
    [{ seconds: 1, rate: 44_100, channels: 2 }, 1],
    [{ seconds: 3, rate: 8_000, bits: 8 }, 3],
    [{ seconds: 3, rate: 48_000, bits: 24, channels: 6 }, 3],
    [{ seconds: 2, format: 3, bits: 32 }, 2],
    [{ seconds: 2, format: 7, bits: 8, rate: 8_000 }, 2],
    [{ seconds: 2, extensible: 1 }, 2],
    [{ seconds: 2, before: [chunk("LIST", new Uint8Array(7))] }, 2],
    [{ seconds: 2, behind: [chunk("LIST", new Uint8Array(64_000))] }, 2],
    // Whoever streams a file does not know its length.
    [{ seconds: 2, dataSize: 0xffffffff }, 2],
    [{ seconds: 2, dataSize: 0 }, 2],
  ])("of %j is %f seconds", (form, seconds) => {
    expect(readWavSeconds(makeWav(form))).toBeCloseTo(seconds, 3);
  });

  test.each([
    ["no RIFF", new TextEncoder().encode("RIFX1234WAVEfmt ")],
    ["nothing", new Uint8Array()],
    ["a head that breaks off", makeWav({ seconds: 1 }).slice(0, 30)],
    ["no sound", makeWav({ seconds: 0 })],
    ["packed samples", makeWav({ seconds: 1, format: 2 })],
    ["a rate that its own numbers deny", makeWav({ seconds: 60, bytesPerSecond: 4_000_000_000 })],
    ["frames of nothing", makeWav({ seconds: 1, channels: 0 })],
    ["a rate beyond all sound", makeWav({ seconds: 1, rate: 2_000_000 })],
    [
      "a thousand chunks before its sound",
      makeWav({ seconds: 1, before: Array(1_000).fill(chunk("junk", new Uint8Array(0))) }),
    ],
  ])("is not known of %s", (_, bytes) => {
    expect(readWavSeconds(bytes)).toBeNull();
  });

  test("is right for any length and layout", () => {
    const layout = fc.record({
      seconds: fc.double({ min: 0.01, max: 20, noNaN: true }),
      rate: fc.constantFrom(8_000, 16_000, 22_050, 44_100, 48_000),
      channels: fc.integer({ min: 1, max: 4 }),
      bits: fc.constantFrom(8, 16, 24, 32),
    });
    fc.assert(
      fc.property(layout, (form) => {
        const seconds = readWavSeconds(makeWav(form)) ?? 0;
        expect(Math.abs(seconds - form.seconds)).toBeLessThan(1 / form.rate + 1e-9);
      }),
      { numRuns: 50 },
    );
  });

  test("is a number of at most its bytes, or unknown, whatever was cut off or written over; and soon", () => {
    const edits = fc.array(fc.tuple(fc.nat({ max: 63 }), fc.nat({ max: 255 })), { maxLength: 8 });
    fc.assert(
      fc.property(edits, fc.nat({ max: 4_000 }), (written, length) => {
        const bytes = makeWav({ seconds: 0.1 }).slice(0, length);
        for (const [at, value] of written) if (at < bytes.length) bytes[at] = value;
        const seconds = readWavSeconds(bytes);
        if (seconds !== null) expect(seconds > 0 && seconds <= bytes.length).toBe(true);
      }),
    );
  });
});
