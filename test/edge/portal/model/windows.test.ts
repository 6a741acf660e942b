import { expect, test } from "vitest";
import { windowNames } from "#edge/agreements/records/windows.ts";
import { describeWindow, formatInWindow, listWindows, readLimits } from "#edge/portal/model/windows.ts";

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
