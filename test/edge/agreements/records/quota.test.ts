import { expect, test } from "vitest";
import { KeyLimits, Limits, planLimits } from "#edge/agreements/records/quota.ts";
import type { WindowName } from "#edge/agreements/records/windows.ts";

const windows = Object.keys(planLimits.standard) as WindowName[];

test("every plan's limits are limits, and plans grow", () => {
  for (const limits of Object.values(planLimits)) expect(Limits.safeParse(limits).success).toBe(true);
  const { standard, professional } = planLimits;
  expect(standard).toMatchObject({
    requestsPerMinute: 60,
    requestsPerHour: 3_000,
    concurrency: 5,
    requestsPerDay: 100_000,
    tokensPerDay: 10_000_000,
    tokensPerMonth: 300_000_000,
  });
  for (const window of windows)
    expect(professional[window] ?? Infinity).toBeGreaterThanOrEqual(standard[window] ?? Infinity);
});

for (const window of windows) {
  test(`'${window}' takes none, 0 and 2^53 - 1, and no other kind of number`, () => {
    for (const good of [null, 0, 1, Number.MAX_SAFE_INTEGER])
      expect(Limits.safeParse({ ...planLimits.standard, [window]: good }).success, String(good)).toBe(true);
    for (const bad of [-1, 1.5, 2 ** 53, Number.NaN, Infinity, "1e3", "60", true, undefined]) {
      expect(Limits.safeParse({ ...planLimits.standard, [window]: bad }).success, String(bad)).toBe(false);
    }
  });
}

test("a key's limits may leave windows out, but name no new one", () => {
  expect(KeyLimits.safeParse({}).success).toBe(true);
  expect(KeyLimits.safeParse({ concurrency: 1 }).success).toBe(true);
  expect(KeyLimits.safeParse({ requestsPerSecond: 1 }).success).toBe(false);
});
