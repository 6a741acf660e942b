import { expect, test } from "vitest";
import { applyStop } from "#edge/control/budgets/stop.ts";

test("a stop narrows a month's money, and never widens it", () => {
  expect(applyStop(null, null)).toBeNull();
  expect(applyStop(null, 5)).toEqual({ costMicrosPerMonth: 5 });
  expect(applyStop({ tokensPerDay: 3, costMicrosPerMonth: null }, 5)).toEqual({
    tokensPerDay: 3,
    costMicrosPerMonth: 5,
  });
  expect(applyStop({ costMicrosPerMonth: 4 }, 5)).toEqual({ costMicrosPerMonth: 4 });
  expect(applyStop({ costMicrosPerMonth: 6 }, 5)).toEqual({ costMicrosPerMonth: 5 });
});
