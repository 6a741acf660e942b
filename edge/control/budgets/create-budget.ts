import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId, mintControlId, ProjectId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { OrgPath } from "../orgs/org.ts";
import { Budget, budgetFields, sharesDefault, showBudget } from "./budget.ts";
import { commitBudget, describeBudget, publishStop, startOfMonth } from "./commit-budget.ts";
import {
  budgetsMax,
  findBudget,
  findLineage,
  findSpends,
  hasProject,
  insertBudget,
  type BudgetSpend,
} from "./queries.ts";

const Body = z
  .strictObject({
    project: ProjectId.optional(),
    key: KeyId.optional(),
    ...budgetFields,
    sharesPercent: budgetFields.sharesPercent.default(sharesDefault),
    isStop: budgetFields.isStop.default(false),
  })
  .refine(({ project, key }) => project === undefined || key === undefined, {
    path: ["key"],
    error: "A budget is a project's or a key's, not of both.",
  })
  .openapi("BudgetDraft");

/** Sets what an org, a project or a key may spend in a UTC month (`makeBudget`). */
export const createBudget = defineEndpoint(
  "budgets.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/budgets",
    operationId: "createBudget",
    tags: ["costs"],
    summary: "Set a budget",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The budget.", Budget), default: refusalAnswer },
  }),
  async (c) => c.json(showBudget(await makeBudget(c, c.req.valid("json"))), 201),
);

/**
 * Sets what an org, a project or a key may spend in a UTC month; each has one budget. What was spent this month already
 * counts, and is told.
 */
export async function makeBudget(c: Context<ControlEnv>, draft: z.infer<typeof Body>): Promise<BudgetSpend> {
  const { control, org, visit } = c.var;
  const { db } = control;
  const { project = null, key: given = null, amountMicros, sharesPercent, isStop } = draft;
  const key = given && (await findLineage(db, org.id, given));
  if (given !== null && key === null) throw new Refusal("not_found", { message: "The org has no such key." });
  if (project !== null && !(await hasProject(db, org.id, project)))
    throw new Refusal("not_found", { message: "The org has no such project." });
  const id = mintControlId("budget", (bytes) => visit.random(bytes));
  const terms = { project, key, amountMicros, shares: sharesPercent, isStop: isStop ? 1 : 0 };
  const row = { id, org: org.id, ...terms, createdAtMs: visit.now() };
  const after = describeBudget({ ...row, version: 1 });
  const change = insertBudget(db, row);
  if (!(await commitBudget(c, id, { action: "budget.created", before: null, after, change }))) {
    const budgets = await findSpends(db, org.id, startOfMonth(c));
    const message =
      budgets.length >= budgetsMax
        ? `An org has ${budgetsMax} budgets at most.`
        : "There is a budget for this already.";
    throw new Refusal("conflict", { message });
  }
  if (isStop) await publishStop(c, row);
  const made = await findBudget(db, org.id, id, startOfMonth(c));
  if (!made) throw new Refusal("not_found");
  return made;
}
