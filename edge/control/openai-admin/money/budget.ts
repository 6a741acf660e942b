import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ProjectId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { winRace } from "../../audit/races.ts";
import { setBudget, type BudgetStep } from "../../budgets/change-budget.ts";
import { endBudget } from "../../budgets/delete-budget.ts";
import { startOfMonth } from "../../budgets/commit-budget.ts";
import { makeBudget } from "../../budgets/create-budget.ts";
import { findSpends, type BudgetSpend } from "../../budgets/queries.ts";
import type { ControlEnv } from "../../http/port.ts";
import { OpenAiProjectPath } from "../projects/project.ts";
import { requireProject } from "../projects/projects.ts";

/** Whose money: the org's, or a project's. OpenAI has the same paths for both. */
export const moneyScopes = {
  organization: { path: "", name: "Organization", params: z.object({}) },
  project: { path: "/projects/{project}", name: "Project", params: OpenAiProjectPath },
} as const;
/** Whose money a path is about. */
export type MoneyScope = keyof typeof moneyScopes;

/** The project that a path names, which must be the org's; null for the org itself. */
export async function readScope(c: Context<ControlEnv>, given: { project?: ProjectId }): Promise<ProjectId | null> {
  return given.project === undefined ? null : (await requireProject(c, given.project)).id;
}

/** The budget of the org itself, or of a project; null for none. */
export async function findScopeBudget(c: Context<ControlEnv>, project: ProjectId | null): Promise<BudgetSpend | null> {
  const all = await findSpends(c.var.control.db, c.var.org.id, startOfMonth(c));
  return all.find((budget) => budget.key === null && budget.project === project) ?? null;
}

/**
 * Changes the budget of the org or a project as `plan` says, or makes one as `draft` says where there is none; also
 * when another is made at the same moment.
 */
export async function putBudget(
  c: Context<ControlEnv>,
  project: ProjectId | null,
  draft: { amountMicros: number; sharesPercent: number[]; isStop: boolean },
  plan: (known: BudgetSpend) => BudgetStep,
): Promise<BudgetSpend> {
  const known = await findScopeBudget(c, project);
  if (known) return setBudget(c, known.id, plan);
  try {
    return await makeBudget(c, { ...(project !== null && { project }), ...draft });
  } catch (cause) {
    const rival = cause instanceof Refusal && cause.code === "conflict" ? await findScopeBudget(c, project) : null;
    if (!rival) throw cause;
    return setBudget(c, rival.id, plan);
  }
}

/**
 * Takes something away from the budget of the org or a project, as `plan` says; a budget that neither stops calls nor
 * tells of any share then is deleted. `plan` refuses where there is nothing to take away.
 */
export async function stripBudget(
  c: Context<ControlEnv>,
  project: ProjectId | null,
  plan: (known: BudgetSpend | null) => BudgetStep,
): Promise<void> {
  await winRace("a budget", async () => {
    const known = await findScopeBudget(c, project);
    const { isStop, sharesPercent } = plan(known);
    if (!known) return null;
    const isEmpty = !(isStop ?? known.isStop !== 0) && (sharesPercent ?? known.shares).length === 0;
    if (!isEmpty) return setBudget(c, known.id, plan);
    return (await endBudget(c, known.id, known.version)) ?? undefined;
  });
}
