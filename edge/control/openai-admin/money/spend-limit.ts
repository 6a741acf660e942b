import { z } from "@hono/zod-openapi";
import type { BudgetSpend } from "../../budgets/queries.ts";
import { Cents, CurrencyName, toCents } from "../fields.ts";
import { moneyScopes, type MoneyScope } from "./budget.ts";

/** The schema of a limit of the org's money, or a project's, as OpenAI's admin API shows it. */
export function describeSpendLimit(scope: MoneyScope) {
  return z
    .strictObject({
      object: z.literal(`${scope}.spend_limit` as const),
      interval: z.literal("month"),
      currency: CurrencyName,
      threshold_amount: z.number().openapi({ description: "In hundredths of the currency." }),
      enforcement: z.strictObject({
        status: z
          .enum(["inactive", "enforcing"])
          .openapi({ description: "`enforcing` once the month's money is spent." }),
      }),
    })
    .openapi(`OpenAi${moneyScopes[scope].name}SpendLimit`);
}

/** The schema of what is answered when one was deleted. */
export function describeLimitDeleted(scope: MoneyScope) {
  return z
    .strictObject({ object: z.literal(`${scope}.spend_limit.deleted` as const), deleted: z.literal(true) })
    .openapi(`OpenAi${moneyScopes[scope].name}SpendLimitDeleted`);
}

/** What a body sets of one. */
export const OpenAiSpendLimitUpdate = z
  .strictObject({ interval: z.literal("month"), currency: CurrencyName, threshold_amount: Cents })
  .openapi("OpenAiSpendLimitUpdate");

/** A budget that stops calls, as OpenAI's admin API shows it. */
export function toSpendLimit(scope: MoneyScope, budget: BudgetSpend, currency: string) {
  const status = budget.spentMicros >= budget.amountMicros ? ("enforcing" as const) : ("inactive" as const);
  return {
    object: `${scope}.spend_limit` as const,
    interval: "month" as const,
    currency,
    threshold_amount: toCents(budget.amountMicros),
    enforcement: { status },
  };
}

const sharesMax = 1_000;

/** A budget's shares of another amount: each alert stays at the amount that it had, to the nearest per cent. */
export function keepAlerts({ shares, amountMicros: from }: BudgetSpend, to: number): number[] {
  const moved = shares.map((share) => Math.min(sharesMax, Math.max(1, Math.round((share * from) / to))));
  return [...new Set(moved)];
}
