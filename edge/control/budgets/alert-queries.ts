import { z } from "zod";
import { BudgetId, OrgId } from "../../agreements/tokens/ids.ts";
import type { Database } from "../http/store.ts";

const ClaimedAlert = z.object({ budget: BudgetId, month: z.int(), share: z.int() });
/** A share that a budget has reached, and that nobody was mailed of before. */
export type ClaimedAlert = z.infer<typeof ClaimedAlert>;

/** Takes at most so many alerts that were not mailed; nobody else gets these. */
export async function claimAlerts(db: Database, nowMs: number, max: number): Promise<ClaimedAlert[]> {
  const claim = db.prepare(
    `UPDATE budget_alerts SET mailed_at_ms = ?1
     WHERE (budget, month, share, amount_micros) IN
       (SELECT budget, month, share, amount_micros FROM budget_alerts WHERE mailed_at_ms IS NULL LIMIT ?2)
     RETURNING budget, month, share`,
  );
  return z.array(ClaimedAlert).parse((await claim.bind(nowMs, max).all()).results);
}

const AlertFacts = z.object({
  org: OrgId,
  orgName: z.string(),
  /** What the project or the key is called that the budget is of. */
  ofName: z.string().nullable(),
  amountMicros: z.int(),
  spentMicros: z.int(),
  isStop: z.int(),
});
/** What a mail says of a budget. */
export type AlertFacts = z.infer<typeof AlertFacts>;

/** What there is to say of a budget in a month; null when it is gone. */
export async function findAlertFacts(
  db: Database,
  { budget, month }: Pick<ClaimedAlert, "budget" | "month">,
): Promise<AlertFacts | null> {
  const select = db.prepare(
    `SELECT o.id AS org, o.name AS orgName, coalesce(p.name, k.name) AS ofName, b.amount_micros AS amountMicros,
       s.spent_micros AS spentMicros, b.is_stop AS isStop
     FROM budgets b JOIN orgs o ON o.id = b.org JOIN budget_spend s ON s.budget = b.id AND s.month = ?2
       LEFT JOIN projects p ON p.id = b.project LEFT JOIN keys k ON k.id = b.key
     WHERE b.id = ?1`,
  );
  return AlertFacts.nullable().parse(await select.bind(budget, month).first());
}
