import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { BudgetId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { Budget, BudgetPath, showBudget } from "./budget.ts";
import { describeBudget, publishStop, startOfMonth } from "./commit-budget.ts";
import { deleteBudget, findBudget, type BudgetSpend } from "./queries.ts";

/** Deletes a budget; what it stopped goes on. */
export const dropBudget = defineEndpoint(
  "budgets.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/budgets/{budget}",
    operationId: "deleteBudget",
    tags: ["costs"],
    summary: "Delete a budget",
    request: { params: BudgetPath },
    responses: { 200: describeJsonAnswer("The budget as it was.", Budget), default: refusalAnswer },
  }),
  async (c) => {
    const row = await endBudget(c, c.req.valid("param").budget);
    if (!row) throw new Refusal("not_found");
    return c.json(showBudget(row), 200);
  },
);

/**
 * Deletes a budget of the org, and takes its stop out of force; returns it as it was. Null when it was deleted
 * meanwhile or, where a version is named, changed.
 */
export async function endBudget(
  c: Context<ControlEnv>,
  id: BudgetId,
  version: number | null = null,
): Promise<BudgetSpend | null> {
  const { control, org } = c.var;
  const known = await findBudget(control.db, org.id, id, startOfMonth(c));
  if (!known) throw new Refusal("not_found");
  const change = deleteBudget(control.db, id, version);
  const before = describeBudget(known);
  const planned = { org: org.id, action: "budget.deleted", target: id, before, after: null, change };
  const rows = await commitChange(c, planned);
  if (rows.length === 0) return null;
  if (known.isStop !== 0) await publishStop(c, known);
  return known;
}
