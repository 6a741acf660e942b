import { expect, test } from "vitest";
import type { BudgetSpend } from "#edge/control/budgets/queries.ts";
import {
  addShare,
  describeAlertDeleted,
  describeSpendAlert,
  OpenAiSpendAlertBody,
  readShare,
  requireAlert,
  toSpendAlert,
} from "#edge/control/openai-admin/money/spend-alert.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const budget: BudgetSpend = {
  id: "bud_0000000000000000000000",
  org: "org_0000000000",
  project: null,
  key: null,
  amountMicros: 100_000_000,
  shares: [33, 50],
  isStop: 0,
  version: 1,
  createdAtMs: 1,
  spentMicros: 0,
};

test("a share of a budget is an alert at its amount, found again by its id", async () => {
  const alert = toSpendAlert("project", budget, 33, "EUR");
  expect(alert).toMatchObject({ object: "project.spend_alert", threshold_amount: 3_300, currency: "EUR" });
  expect(describeSpendAlert("project").parse(alert)).toEqual(alert);
  expect(requireAlert(alert.id, budget)).toEqual({ budget, share: 33 });
  for (const [id, of] of [
    [alert.id, null],
    [alert.id.replace("_33", "_34"), budget],
    [alert.id, { ...budget, id: "bud_1111111111111111111111" }],
    ["alert_x_33", budget],
  ] as const)
    await expectRefusal(async () => requireAlert(id, of), "not_found");
  const deleted = { object: "project.spend_alert.deleted", id: alert.id, deleted: true };
  expect(describeAlertDeleted("project").parse(deleted)).toEqual(deleted);
});

test("an amount is the nearest whole per cent, from 1 to 1000", async () => {
  expect([5_000, 3_333, 149, 100_000].map((cents) => readShare(cents, budget.amountMicros))).toEqual([
    50, 33, 1, 1_000,
  ]);
  for (const cents of [1, 200_000]) {
    const { details } = await expectRefusal(async () => readShare(cents, budget.amountMicros), "invalid_value");
    expect(details.param).toBe("threshold_amount");
  }
});

test("a share stands once, in its order", async () => {
  expect(addShare([33, 50], 40)).toEqual([33, 40, 50]);
  await expectRefusal(async () => addShare([33, 50], 33), "conflict");
});

test("nobody is mailed, so nobody may be named", () => {
  const body = (recipients: string[]) => ({
    interval: "month",
    currency: "EUR",
    threshold_amount: 1,
    notification_channel: { type: "email", recipients },
  });
  expect(OpenAiSpendAlertBody.safeParse(body([])).success).toBe(true);
  expect(OpenAiSpendAlertBody.safeParse(body(["ada@example.test"])).success).toBe(false);
});
