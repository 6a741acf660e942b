import { z } from "@hono/zod-openapi";
import { BudgetId, KeyId, ProjectId } from "../../agreements/tokens/ids.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { BudgetSpend } from "./queries.ts";

/** The path of a budget. */
export const BudgetPath = OrgPath.extend({ budget: BudgetId });

/** What whoever makes or changes a budget may say of it. */
export const budgetFields = {
  amountMicros: z.int().min(1).max(Number.MAX_SAFE_INTEGER).openapi({
    description: "What may be spent in a UTC month, in millionths of the currency.",
  }),
  sharesPercent: z
    .array(z.int().min(1).max(1_000))
    .max(10)
    .refine((shares) => new Set(shares).size === shares.length, "names a share twice")
    .openapi({
      description: "At which shares of it, in per cent, a `budget.reached` event is written; once a month each.",
    }),
  isStop: z.boolean().openapi({ description: "Whether calls are refused that would go beyond it." }),
};

/** The shares that are told where none are given. */
export const sharesDefault = [50, 80, 100];

/** A budget and what was spent of it in a month, as answers show it. */
export const Budget = z
  .strictObject({
    id: BudgetId,
    project: ProjectId.nullable().openapi({
      description: "Whose budget it is; of the org, if this and `key` are null.",
    }),
    key: KeyId.nullable().openapi({ description: "With its successors: the first of the chain." }),
    ...budgetFields,
    spentMicros: z.int().openapi({ description: "In this month, or the one that was asked for." }),
    createdAt: Timestamp,
  })
  .openapi("Budget");

/** A stored budget as answers show it. */
export function showBudget(row: BudgetSpend): z.infer<typeof Budget> {
  return {
    id: row.id,
    project: row.project,
    key: row.key,
    amountMicros: row.amountMicros,
    sharesPercent: row.shares,
    isStop: row.isStop !== 0,
    spentMicros: row.spentMicros,
    createdAt: formatIso(row.createdAtMs),
  };
}
