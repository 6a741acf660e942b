import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { promptRatioMax, promptRatioMin, readProfile, writeProfile } from "#edge/agreements/records/traffic-profile.ts";

describe("the traffic profile's header", () => {
  test("is read back as it was written, the ratio to a thousandth", () => {
    const count = fc.nat({ max: 999_999_999 });
    fc.assert(
      fc.property(
        count,
        fc.boolean(),
        count,
        fc.double({ min: promptRatioMin, max: promptRatioMax, noNaN: true }),
        (outputTokens, isAtLeast, cachedTokens, promptRatio) => {
          const read = readProfile(writeProfile({ outputTokens, isAtLeast, cachedTokens, promptRatio }));
          expect(read).toMatchObject({ outputTokens, isAtLeast, cachedTokens });
          expect(Math.abs((read?.promptRatio ?? 9) - promptRatio)).toBeLessThanOrEqual(0.000_5);
        },
      ),
    );
  });

  test("reads as its own page writes it", () => {
    expect(readProfile("out=210 cached=96 ratio=1.07")).toEqual({
      outputTokens: 210,
      isAtLeast: false,
      cachedTokens: 96,
      promptRatio: 1.07,
    });
    expect(readProfile("out=4096+ cached=0 ratio=1")).toEqual({
      outputTokens: 4_096,
      isAtLeast: true,
      cachedTokens: 0,
      promptRatio: 1,
    });
  });

  const hostile: (string | null)[] = [
    null,
    "",
    "out=210",
    "out=210 cached=96",
    "out=210 cached=96 ratio=1.07 ",
    "out=210 cached=96 ratio=1.07\n",
    "out=210  cached=96 ratio=1.07",
    "cached=96 out=210 ratio=1.07",
    "out=-1 cached=96 ratio=1.07",
    "out=1e3 cached=96 ratio=1.07",
    "out=2.5 cached=96 ratio=1.07",
    "out=210- cached=96 ratio=1.07",
    "out=210++ cached=96 ratio=1.07",
    "out=٣ cached=96 ratio=1.07",
    "out=1234567890 cached=96 ratio=1.07",
    "out=210 cached=96+ ratio=1.07",
    "out=210 cached=96 ratio=0.499",
    "out=210 cached=96 ratio=2.001",
    "out=210 cached=96 ratio=0",
    "out=210 cached=96 ratio=-1",
    "out=210 cached=96 ratio=NaN",
    "out=210 cached=96 ratio=1e0",
    "out=210 cached=96 ratio=1.",
    "out=210 cached=96 ratio=1.07, out=1 cached=0 ratio=1",
    `out=${"1".repeat(100_000)} cached=96 ratio=1.07`,
  ];
  for (const text of hostile)
    test(`${JSON.stringify(text)?.slice(0, 60)} is no report`, () => expect(readProfile(text)).toBeNull());
});
