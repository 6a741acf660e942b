import { z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import type { BudgetSpend } from "../../budgets/queries.ts";
import { Cents, CurrencyName, describeDeleted, toCents, toMicros } from "../fields.ts";
import { moneyScopes, type MoneyScope } from "./budget.ts";

const prefix = "alert_";
const sharesMax = 1_000;

const Channel = z
  .strictObject({
    type: z.literal("email"),
    recipients: z.array(z.string()).max(0, "must be empty: alerts are `budget.reached` events, which webhooks get"),
    subject_prefix: z.null().optional(),
  })
  .openapi("OpenAiNotificationChannel");
const nobody = { type: "email" as const, recipients: new Array<string>(), subject_prefix: null };

/** The schema of an alert of the org's money, or a project's, as OpenAI's admin API shows it. */
export function describeSpendAlert(scope: MoneyScope) {
  return z
    .strictObject({
      id: z.string(),
      object: z.literal(`${scope}.spend_alert` as const),
      interval: z.literal("month"),
      currency: CurrencyName,
      threshold_amount: z.number().openapi({
        description:
          "In hundredths of the currency: a whole per cent of the month's budget, the nearest to what was set.",
      }),
      notification_channel: Channel,
    })
    .openapi(`OpenAi${moneyScopes[scope].name}SpendAlert`);
}

/** The schema of what is answered when one was deleted. */
export function describeAlertDeleted(scope: MoneyScope) {
  return describeDeleted(`${scope}.spend_alert.deleted` as const, `OpenAi${moneyScopes[scope].name}SpendAlertDeleted`);
}

/** What a body says of one. */
export const OpenAiSpendAlertBody = z
  .strictObject({
    interval: z.literal("month"),
    currency: CurrencyName,
    threshold_amount: Cents,
    notification_channel: Channel,
  })
  .openapi("OpenAiSpendAlertBody");

/** The alert at a share of a budget, as OpenAI's admin API shows it. */
export function toSpendAlert(
  scope: MoneyScope,
  { id, amountMicros }: Pick<BudgetSpend, "id" | "amountMicros">,
  share: number,
  currency: string,
) {
  return {
    id: `${prefix}${id}_${share}`,
    object: `${scope}.spend_alert` as const,
    interval: "month" as const,
    currency,
    threshold_amount: toCents((amountMicros * share) / 100),
    notification_channel: nobody,
  };
}

/** What an alert's id names of this budget; the 404 of a missing one for an alert that it does not have. */
export function requireAlert(alert: string, budget: BudgetSpend | null): { budget: BudgetSpend; share: number } {
  const [, id, digits] = /^alert_(bud_[0-9A-Za-z]{22})_(\d{1,4})$/.exec(alert) ?? [];
  const share = Number(digits);
  if (!budget || id !== budget.id || !budget.shares.includes(share)) throw new Refusal("not_found");
  return { budget, share };
}

/** The share of an amount that is nearest to so many hundredths of the currency; refuses what is none. */
export function readShare(cents: number, amountMicros: number): number {
  const share = Math.round((toMicros(cents) * 100) / amountMicros);
  if (share >= 1 && share <= sharesMax) return share;
  throw new Refusal("invalid_value", {
    param: "threshold_amount",
    message: `threshold_amount: Must be from 1 to ${sharesMax} per cent of the month's ${toCents(amountMicros)}.`,
  });
}

/** Shares with one more; refuses one that is there already with 409. */
export function addShare(shares: readonly number[], share: number): number[] {
  if (shares.includes(share)) {
    const message = "There is an alert at this per cent of the month's budget already.";
    throw new Refusal("conflict", { message, mayRetry: false });
  }
  return [...shares, share].toSorted((one, other) => one - other);
}
