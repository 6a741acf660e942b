import fc from "fast-check";
import { expect, test } from "vitest";
import { findPauseMs } from "#edge/control/webhooks/sending/schedule.ts";

const hourMs = 3_600_000;
const windowMs = 72 * hourMs;

test("ten tries take 72 hours, each pause twice the one before; then there is none", () => {
  const pauses = Array.from({ length: 9 }, (_, at) => findPauseMs(at + 1, windowMs, 0) ?? 0);
  expect(pauses.reduce((sum, ms) => sum + ms, 0) / windowMs).toBeCloseTo(1, 4);
  expect(pauses[8]! / hourMs).toBeCloseTo(36, 0);
  for (const [at, ms] of pauses.slice(1).entries()) expect(ms / pauses[at]!).toBeCloseTo(2, 4);
  expect(findPauseMs(10, windowMs, 0)).toBeNull();
});

test("chance makes a pause longer, by a tenth at most, never shorter", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (tries, chance) => {
      const least = findPauseMs(tries, windowMs, 0) ?? 0;
      const ms = findPauseMs(tries, windowMs, chance) ?? 0;
      expect(ms).toBeGreaterThanOrEqual(least);
      expect(ms).toBeLessThanOrEqual(Math.ceil(least * 1.1));
    }),
  );
});
