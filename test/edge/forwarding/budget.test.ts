import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openRetryBudget, type RetryBudget } from "#edge/forwarding/budget.ts";
import { retriesMin, retryShareMax } from "#edge/limits.ts";

const t0 = Date.UTC(2026, 10, 20);
function taken(budget: RetryBudget, tries: number, nowMs: number): number {
  return Array.from({ length: tries }, () => budget.takeRetry(nowMs)).filter(Boolean).length;
}
function budgetAfter(calls: number, nowMs = t0): RetryBudget {
  const budget = openRetryBudget();
  for (let i = 0; i < calls; i++) budget.countCall(nowMs);
  return budget;
}

describe("the retry budget", () => {
  const table: [number, number][] = [
    [0, 3],
    [1, 3],
    [15, 3],
    [19, 3],
    [20, 4],
    [100, 20],
    [1_004, 200],
  ];
  for (const [calls, retries] of table)
    test(`after ${calls} calls allows ${retries} retries`, () =>
      expect(taken(budgetAfter(calls), calls + 10, t0)).toBe(retries));

  test("is not refilled by a span that turns, only by time and calls", () => {
    const budget = budgetAfter(100);
    expect(taken(budget, 50, t0)).toBe(20);
    expect(taken(budget, 50, t0 + 10_000)).toBe(0);
    expect(taken(budget, 50, t0 + 20_000)).toBe(3);
  });

  test("forgets calls of long ago: a quiet hour leaves three retries, not hundreds", () => {
    const budget = budgetAfter(5_000);
    expect(taken(budget, 2_000, t0 + 3_600_000)).toBe(3);
  });

  test("stands a clock that steps back", () => {
    const budget = budgetAfter(10);
    expect(taken(budget, 10, t0 - 3_600_000)).toBe(3);
  });

  test("grants no more than a fifth of the calls of the last 20 s, or three, whatever comes and fails", () => {
    const step = fc.record({
      waitMs: fc.nat({ max: 6_000 }),
      calls: fc.nat({ max: 40 }),
      retries: fc.nat({ max: 40 }),
    });
    const step0 = { waitMs: 5_999, calls: 0, retries: 0 };
    // Found by an earlier run: a call of 20 s ago still counted.
    const found = [
      { ...step0, waitMs: 0, calls: 1 },
      step0,
      step0,
      { waitMs: 2_010, calls: 36, retries: 5 },
      { waitMs: 5_992, calls: 3, retries: 3 },
    ];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = openRetryBudget();
        const calls: number[] = [];
        const retries: number[] = [];
        let nowMs = t0;
        for (const one of steps) {
          nowMs += one.waitMs;
          for (let i = 0; i < one.calls; i++) {
            budget.countCall(nowMs);
            calls.push(nowMs);
          }
          for (let i = 0; i < one.retries; i++) {
            if (!budget.takeRetry(nowMs)) continue;
            retries.push(nowMs);
            const granted = retries.filter((at) => at > nowMs - 10_000).length;
            expect(granted).toBeLessThanOrEqual(
              Math.max(retriesMin, retryShareMax * calls.filter((at) => at > nowMs - 20_000).length),
            );
          }
        }
      }),
      { numRuns: 500, examples: [[found]] },
    );
  });
});
