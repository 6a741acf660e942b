import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { OrgPath } from "../orgs/org.ts";
import { Currency } from "../usage/totals.ts";
import { Budget, showBudget } from "./budget.ts";
import { startOfMonth } from "./commit-budget.ts";
import { findSpends } from "./queries.ts";

const Answer = z.strictObject({ budgets: z.array(Budget), currency: Currency }).openapi("BudgetList");

/** Lists an org's budgets, the oldest first, with what was spent of each this month: a hundred at most. */
export const listBudgets = defineEndpoint(
  "budgets.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/budgets",
    operationId: "listBudgets",
    tags: ["costs"],
    summary: "List budgets",
    request: { params: OrgPath },
    responses: { 200: describeJsonAnswer("The budgets.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const budgets = await findSpends(control.db, org.id, startOfMonth(c));
    return c.json({ budgets: budgets.map(showBudget), currency: control.currency }, 200);
  },
);
