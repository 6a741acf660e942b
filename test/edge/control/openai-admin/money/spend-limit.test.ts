import { expect, test } from "vitest";
import type { BudgetSpend } from "#edge/control/budgets/queries.ts";
import {
  describeLimitDeleted,
  describeSpendLimit,
  keepAlerts,
  toSpendLimit,
} from "#edge/control/openai-admin/money/spend-limit.ts";

const budget = (given: Partial<BudgetSpend> = {}): BudgetSpend => ({
  id: "bud_0000000000000000000000",
  org: "org_0000000000",
  project: null,
  key: null,
  amountMicros: 100_000_000,
  shares: [50, 80],
  isStop: 1,
  version: 1,
  createdAtMs: 1,
  spentMicros: 0,
  ...given,
});

test("a budget that stops calls is a limit, in force once its amount is spent", () => {
  expect(toSpendLimit("organization", budget(), "EUR")).toEqual({
    object: "organization.spend_limit",
    interval: "month",
    currency: "EUR",
    threshold_amount: 10_000,
    enforcement: { status: "inactive" },
  });
  const spent = toSpendLimit("project", budget({ spentMicros: 100_000_000 }), "EUR");
  expect([spent.object, spent.enforcement.status]).toEqual(["project.spend_limit", "enforcing"]);
  expect(describeSpendLimit("project").parse(spent)).toEqual(spent);
  const deleted = { object: "project.spend_limit.deleted", deleted: true };
  expect(describeLimitDeleted("project").parse(deleted)).toEqual(deleted);
});

test("alerts stay at their amounts when the limit moves, as near as whole per cents go", () => {
  expect(keepAlerts(budget(), 200_000_000)).toEqual([25, 40]);
  expect(keepAlerts(budget(), 50_000_000)).toEqual([100, 160]);
  expect(keepAlerts(budget({ shares: [1, 2] }), 100_000_000_000)).toEqual([1]);
  expect(keepAlerts(budget({ shares: [1_000] }), 1_000_000)).toEqual([1_000]);
});
