import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { BudgetId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { diffFacts } from "../audit/diff.ts";
import { winRace } from "../audit/races.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { Budget, budgetFields, BudgetPath, showBudget } from "./budget.ts";
import { commitBudget, describeBudget, publishStop, startOfMonth } from "./commit-budget.ts";
import { findBudget, updateBudget, type BudgetSpend } from "./queries.ts";

const Body = z
  .strictObject(budgetFields)
  .partial()
  .refine((body) => Object.keys(body).length > 0, "Nothing to change.")
  .openapi("BudgetChange", { minProperties: 1 });

/** Sets a budget's amount, its shares, or whether it stops calls. Of a new amount each share is told anew. */
export const changeBudget = defineEndpoint(
  "budgets.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/budgets/{budget}",
    operationId: "changeBudget",
    tags: ["costs"],
    summary: "Change a budget",
    request: { params: BudgetPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The budget.", Budget), default: refusalAnswer },
  }),
  async (c) => {
    const row = await setBudget(c, c.req.valid("param").budget, () => c.req.valid("json"));
    return c.json(showBudget(row), 200);
  },
);

/** What a change of a budget sets; what it does not name stays. */
export type BudgetStep = z.infer<typeof Body>;

/**
 * Changes a budget as one audited change, and brings its stop into force; of two at once neither is lost. `plan` says
 * what changes of the budget as it is then.
 */
export async function setBudget(
  c: Context<ControlEnv>,
  id: BudgetId,
  plan: (known: BudgetSpend) => BudgetStep,
): Promise<BudgetSpend> {
  const { control, org } = c.var;
  const wasStop = await winRace("a budget", async () => {
    const known = await findBudget(control.db, org.id, id, startOfMonth(c));
    if (!known) throw new Refusal("not_found");
    const { amountMicros, sharesPercent, isStop } = plan(known);
    const changed = {
      ...known,
      amountMicros: amountMicros ?? known.amountMicros,
      shares: sharesPercent ?? known.shares,
      isStop: isStop === undefined ? known.isStop : Number(isStop),
    };
    const facts = diffFacts(describeBudget(known), describeBudget(changed));
    const change = updateBudget(control.db, changed);
    const isDone = await commitBudget(c, id, { action: "budget.changed", ...facts, change });
    return isDone ? known.isStop !== 0 : undefined;
  });
  const row = await findBudget(control.db, org.id, id, startOfMonth(c));
  if (!row) throw new Refusal("not_found");
  if (wasStop || row.isStop !== 0) await publishStop(c, row);
  return row;
}
