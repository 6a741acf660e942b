import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { diffFacts } from "../audit/diff.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Budget, budgetFields, BudgetPath, showBudget } from "./budget.ts";
import { commitBudget, describeBudget, publishStop, startOfMonth } from "./commit-budget.ts";
import { findBudget, updateBudget } from "./queries.ts";

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
    const { control, org } = c.var;
    const { budget: id } = c.req.valid("param");
    const { amountMicros, sharesPercent, isStop } = c.req.valid("json");
    const known = await findBudget(control.db, org.id, id, startOfMonth(c));
    if (!known) throw new Refusal("not_found");
    const changed = {
      ...known,
      amountMicros: amountMicros ?? known.amountMicros,
      shares: sharesPercent ?? known.shares,
      isStop: isStop === undefined ? known.isStop : Number(isStop),
    };
    const facts = diffFacts(describeBudget(known), describeBudget(changed));
    const change = updateBudget(control.db, changed);
    if (!(await commitBudget(c, id, { action: "budget.changed", ...facts, change })))
      throw new Refusal("conflict", { message: "The budget has changed meanwhile. Read it again." });
    if (known.isStop !== 0 || changed.isStop !== 0) await publishStop(c, known);
    const row = await findBudget(control.db, org.id, id, startOfMonth(c));
    if (!row) throw new Refusal("not_found");
    return c.json(showBudget(row), 200);
  },
);
