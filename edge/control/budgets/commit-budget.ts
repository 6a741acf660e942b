import type { Context } from "hono";
import type { BudgetId } from "../../agreements/tokens/ids.ts";
import { commitChange, type AuditedChange } from "../audit/commit.ts";
import { readMonth, writeMonth } from "../costs/month.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishKey, publishOrg, publishProject } from "../publishing/publish.ts";
import { findKey } from "../keys/queries.ts";
import { findOrg } from "../orgs/queries.ts";
import { findProject } from "../projects/queries.ts";
import { reckonSpend, selectChain, type BudgetRow } from "./queries.ts";

/** What of a budget the audit log tells. */
export function describeBudget({ project, key, amountMicros, shares, isStop }: Omit<BudgetRow, "id">) {
  return { project, key, amountMicros, shares, isStop: isStop !== 0 };
}

/** When this month begins, in Unix ms. */
export function startOfMonth(c: Context<ControlEnv>): number {
  return readMonth(writeMonth(c.var.visit.now())).fromMs;
}

/**
 * Makes a change of a budget with its audit entry, and reckons what was spent of it this month, all in one batch. False
 * when it did not take place.
 */
export async function commitBudget(
  c: Context<ControlEnv>,
  id: BudgetId,
  planned: Pick<AuditedChange, "action" | "before" | "after" | "change">,
): Promise<boolean> {
  const { control, org, visit } = c.var;
  const also = () => [reckonSpend(control.db, id, readMonth(writeMonth(visit.now())))];
  const rows = await commitChange(c, { org: org.id, target: id, ...planned, also });
  return rows.length > 0;
}

/** Brings a stop into force, or out of it: publishes whose records it has changed. Repeating heals a 503. */
export async function publishStop(c: Context<ControlEnv>, { project, key }: Pick<BudgetRow, "project" | "key">) {
  const { control, org } = c.var;
  if (key !== null) {
    for (const id of await selectChain(control.db, org.id, key)) {
      const row = await findKey(control.db, org.id, id);
      if (row && row.revoked_at_ms === null) await publishKey(c, row);
    }
    return;
  }
  if (project !== null) {
    const row = await findProject(control.db, org.id, project);
    if (row) await publishProject(c, row);
    return;
  }
  const row = await findOrg(control.db, org.id);
  if (row) await publishOrg(c, row);
}
