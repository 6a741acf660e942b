import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundSeconds, leastSeconds } from "#edge/protocol/media/seconds.ts";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { makeWav } from "#test/support/media/sound.ts";

const wav = (seconds: number) => new UploadedFile(makeWav({ seconds, rate: 8_000, bits: 8 }), "x.wav");
const packed = (bytes: number) => new UploadedFile(new Uint8Array(bytes), "x.mp3");

describe("seconds of audio", () => {
  test("are exact for a WAV file, whole ones rounded up, for the bound and for the bill", () => {
    expect([boundSeconds(wav(2.5), {}), leastSeconds(wav(2.5))]).toEqual([3, 3]);
    expect([boundSeconds(wav(0.01), {}), leastSeconds(wav(0.01))]).toEqual([1, 1]);
  });

  test("of packed sound are bounded by its bytes and its model, and least at the highest rate", () => {
    expect([boundSeconds(packed(7_500), {}), leastSeconds(packed(7_500))]).toEqual([10, 1]);
    expect([boundSeconds(packed(4_000_000), {}), leastSeconds(packed(4_000_000))]).toEqual([1_800, 100]);
    expect(boundSeconds(packed(4_000_000), { audioSecondsMax: 60 })).toBe(60);
  });

  test("beyond what a model takes are refused before anything is held, where they are known", async () => {
    expect(boundSeconds(wav(60), { audioSecondsMax: 60 })).toBe(60);
    await expectRefusal(() => boundSeconds(wav(61), { audioSecondsMax: 60 }), "invalid_value", "file");
  });

  test("are at least one, and never fewer at most than at least", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000_000 }), (bytes) => {
        const [most, least] = [boundSeconds(packed(bytes), { audioSecondsMax: 86_400 }), leastSeconds(packed(bytes))];
        expect(least >= 1 && most >= least).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
