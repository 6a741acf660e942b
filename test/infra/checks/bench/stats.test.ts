import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeArrivals, makeZipf, median, quantile, makeRandom, measureSpread } from "#infra/checks/bench/stats.ts";

describe("the statistics of the bench", () => {
  test("the median is the middle value, and the mean of the two middle ones", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  test("of nothing there is no median, and no spread", () => {
    expect(median([])).toBeNaN();
    expect(measureSpread([])).toEqual({ median: Number.NaN, min: Number.NaN, max: Number.NaN });
  });

  test("a quantile lies between its neighbours, in proportion", () => {
    expect(quantile([0, 10, 20, 30, 40], 0.25)).toBe(10);
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  });

  test("quantiles rise with their share, stay within the values, and leave the input as it was", () => {
    const finite = fc.double({ noNaN: true, min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 1 }),
        fc.double({ noNaN: true, min: 0, max: 1 }),
        fc.double({ noNaN: true, min: 0, max: 1 }),
        (values, one, other) => {
          const before = [...values];
          const [low, high] = [quantile(values, Math.min(one, other)), quantile(values, Math.max(one, other))];
          expect(low).toBeLessThanOrEqual(high + 1e-6);
          expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
          expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
          expect(values).toEqual(before);
        },
      ),
    );
  });

  test("a seed gives the same numbers again, all in [0, 1)", () => {
    const draw = (seed: number) => {
      const random = makeRandom(seed);
      return Array.from({ length: 1_000 }, random);
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true);
    expect(draw(7).reduce((sum, value) => sum + value, 0) / 1_000).toBeCloseTo(0.5, 1);
  });

  test("arrivals come in order, within the time, and about as often as asked", () => {
    const times = makeArrivals(50, 100_000, makeRandom(1));
    expect(times.toSorted((one, other) => one - other)).toEqual(times);
    expect(times.every((at) => at > 0 && at < 100_000)).toBe(true);
    expect(times.length).toBeGreaterThan(4_700);
    expect(times.length).toBeLessThan(5_300);
  });
});

test("by Zipf's law a rank comes as often as one over its place", () => {
  const draws = 40_000;
  const counts = [0, 0, 0, 0];
  for (const rank of makeZipf(4, draws, makeRandom(7))) counts[rank] = (counts[rank] ?? 0) + 1;
  const all = 1 + 1 / 2 + 1 / 3 + 1 / 4;
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(draws);
  counts.forEach((count, rank) => expect(count / draws).toBeCloseTo(1 / (rank + 1) / all, 2));
});
