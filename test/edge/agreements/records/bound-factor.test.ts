import { expect, test } from "vitest";
import { boundFactorMax, findBoundFactor, readBoundFactor } from "#edge/agreements/records/bound-factor.ts";

test("a factor is the smallest whole number that covers the count, from 1 to 8", () => {
  const factors = [0, 99, 100, 101, 200, 201, 300, 800, 801, 1_000_000].map((counted) => findBoundFactor(counted, 100));
  expect(factors).toEqual([1, 1, 1, 2, 2, 3, 3, 8, 8, 8]);
  expect([findBoundFactor(0, 0), findBoundFactor(3, 0)]).toEqual([1, 3]);
});

test("a header that is not exactly a factor is none", () => {
  expect(["2", "8"].map(readBoundFactor)).toEqual([2, boundFactorMax]);
  for (const text of [null, "", "0", "1", "9", "10", "2.5", " 2", "2 ", "-2", "+2", "0x2", "two"])
    expect(readBoundFactor(text), String(text)).toBeNull();
});
