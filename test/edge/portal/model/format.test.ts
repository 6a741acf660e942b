import { expect, test } from "vitest";
import {
  countWith,
  fill,
  formatCount,
  formatDuration,
  formatMoney,
  formatRelative,
} from "#edge/portal/model/format.ts";

test("money has two places, and as many more as a small sum needs: nothing that cost looks free", () => {
  expect(formatMoney(12_345_678_900, "USD")).toBe("$12,345.68");
  expect(formatMoney(1, "USD")).toBe("$0.000001");
  expect(formatMoney(250_000, "EUR")).toBe("€0.25");
  expect(formatMoney(0, "USD")).toBe("$0.00");
});

test("durations and distances are in the unit that people would use", () => {
  expect([12, 1_234, 59_400, 61_000, 7_260_000].map(formatDuration)).toEqual([
    "12 ms",
    "1.23 s",
    "59.4 s",
    "1 min 1 s",
    "2 h 1 min",
  ]);
  expect(formatRelative(0, 90_000)).toBe("1 minute ago");
  expect(formatRelative(7_300_000, 0)).toBe("in 2 hours");
  expect(formatRelative(100, 0)).toBe("now");
});

test("texts take their values by name; a value with braces is not read again", () => {
  expect(fill("{a} of {b} {c}", { a: "{b}", b: 2 })).toBe("{b} of 2 {c}");
  expect(countWith({ one: "{n} call", other: "{n} calls" }, 1)).toBe("1 call");
  expect(countWith({ one: "{n} call", other: "{n} calls" }, 1_200)).toBe(`${formatCount(1_200)} calls`);
});
