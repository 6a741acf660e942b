import { expect, test } from "vitest";
import { windowNames } from "#edge/agreements/records/windows.ts";
import {
  describeLimits,
  describeWindow,
  formatInWindow,
  listWindows,
  readLimits,
  setLimits,
  writeLimits,
} from "#edge/portal/model/forms/windows.ts";

test("every window of the ledger has a title and a unit; others are told as unknown", () => {
  expect(listWindows().map(({ name }) => name)).toEqual(windowNames);
  expect(describeWindow("toString")).toBeNull();
  expect(formatInWindow("costMicrosPerMonth", 1_500_000, "USD")).toBe("$1.50");
  expect(formatInWindow("tokensPerDay", 1_500, "USD")).toBe("1,500");
});

test("limits are read as written: money in units, nothing for what is left empty", () => {
  expect(readLimits({ requestsPerMinute: "60", costMicrosPerMonth: "12.5", tokensPerDay: " " })).toEqual({
    requestsPerMinute: 60,
    costMicrosPerMonth: 12_500_000,
  });
  expect(readLimits({})).toBeNull();
});

test("a form shows limits as they can be written again, and lifts what it is left empty in", () => {
  const limits = { requestsPerMinute: 60, tokensPerDay: null, costMicrosPerMonth: 12_500_000 };
  expect(writeLimits(limits)).toEqual({ requestsPerMinute: "60", costMicrosPerMonth: "12.5" });
  expect(readLimits(writeLimits(limits))).toEqual({ requestsPerMinute: 60, costMicrosPerMonth: 12_500_000 });
  expect(setLimits({ requestsPerMinute: "60" })).toEqual({
    ...Object.fromEntries(windowNames.map((name) => [name, null])),
    requestsPerMinute: 60,
  });
  expect(describeLimits(limits, "USD")).toBe("Requests per minute: 60; Spend per month: $12.50");
  expect(describeLimits(null, "USD")).toBe("");
});
