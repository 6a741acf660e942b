import { expect, test } from "vitest";
import { forecastMonth, startLookingBack } from "#edge/control/costs/forecast.ts";

const day = 86_400_000;
const span = { fromMs: 0, toMs: 30 * day };
const pace = { spentMicros: 1_000, recentMicros: 700, recentMs: 7 * day };

test("the rest of a month goes as the last week did", () => {
  expect(forecastMonth(span, pace, 10 * day)).toBe(1_000 + 100 * 20);
  expect(forecastMonth(span, { ...pace, recentMs: 0 }, 10 * day)).toBe(1_000);
});

test("a month that is over costs what it has, and one to come has no forecast", () => {
  expect(forecastMonth(span, pace, 30 * day)).toBe(1_000);
  expect(forecastMonth(span, pace, -1)).toBeNull();
});

test("no forecast looks back beyond the org's first day", () => {
  expect(startLookingBack(10 * day, 0)).toBe(3 * day);
  expect(startLookingBack(10 * day, 9 * day)).toBe(9 * day);
});
