import { z } from "zod";
import { toSnakeCase } from "../../agreements/names.ts";
import { BudgetId, KeyId, OrgId, ProjectId } from "../../agreements/tokens/ids.ts";
import { createJsonColumn } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";

const BudgetRow = z.object({
  id: BudgetId,
  org: OrgId,
  project: ProjectId.nullable(),
  key: KeyId.nullable(),
  amountMicros: z.int(),
  shares: createJsonColumn(z.array(z.int())),
  isStop: z.int(),
  version: z.int(),
  createdAtMs: z.int(),
});
/** A row of `budgets`. */
export type BudgetRow = z.infer<typeof BudgetRow>;

const BudgetSpend = BudgetRow.extend({ spentMicros: z.int() });
/** A budget, and what of it was spent in a month. */
export type BudgetSpend = z.infer<typeof BudgetSpend>;

/** An org has so many budgets at most; no more than its triggers can go through with each line of the bill. */
export const budgetsMax = 100;

const columns = `b.id, b.org, b.project, b.key, b.amount_micros AS amountMicros, b.shares, b.is_stop AS isStop,
  b.version, b.created_at_ms AS createdAtMs`;
const selectSpend = `SELECT ${columns}, coalesce(s.spent_micros, 0) AS spentMicros
  FROM budgets AS b LEFT JOIN budget_spend AS s ON s.budget = b.id AND s.month = ?2 WHERE b.org = ?1`;

/** An org's budgets, the oldest first, with what of each was spent in the month that begins at `monthMs`. */
export async function findSpends(db: Database, org: OrgId, monthMs: number): Promise<BudgetSpend[]> {
  const select = db.prepare(`${selectSpend} ORDER BY b.created_at_ms, b.id`);
  return z.array(BudgetSpend).parse((await select.bind(org, monthMs).all()).results);
}

/** One budget of an org; null when it has none of that id. */
export async function findBudget(db: Database, org: OrgId, id: BudgetId, monthMs: number): Promise<BudgetSpend | null> {
  return BudgetSpend.nullable().parse(await db.prepare(`${selectSpend} AND b.id = ?3`).bind(org, monthMs, id).first());
}

/** Inserts a budget; no row when there is one for the same already, or no room for it. */
export function insertBudget(db: Database, row: Omit<BudgetRow, "version">): Statement {
  const insert = db.prepare(
    `INSERT INTO budgets (id, org, project, key, amount_micros, shares, is_stop, created_at_ms)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE (SELECT count(*) FROM budgets WHERE org = ?2) < ${budgetsMax}
     ON CONFLICT DO NOTHING RETURNING id`,
  );
  const { id, org, project, key, amountMicros, shares, isStop, createdAtMs } = row;
  return insert.bind(id, org, project, key, amountMicros, JSON.stringify(shares), isStop, createdAtMs);
}

/** Writes a budget as it shall be; no row when it has changed since it was read. */
export function updateBudget(db: Database, changed: BudgetRow): Statement {
  const update = db.prepare(
    `UPDATE budgets SET amount_micros = ?, shares = ?, is_stop = ?, version = version + 1
     WHERE id = ? AND version = ? RETURNING id`,
  );
  const { amountMicros, shares, isStop, id, version } = changed;
  return update.bind(amountMicros, JSON.stringify(shares), isStop, id, version);
}

/** Deletes a budget, and with it what it knew of its months; no row when it has not the version that is named. */
export function deleteBudget(db: Database, id: BudgetId, version: number | null): Statement {
  return db
    .prepare("DELETE FROM budgets WHERE id = ?1 AND (?2 IS NULL OR version = ?2) RETURNING id")
    .bind(id, version);
}

/**
 * Reckons anew, from roll-ups, what was spent of a budget in a month: for one that is made or changed in its midst. The
 * shares that are reached already are told with it.
 */
export function reckonSpend(db: Database, id: BudgetId, month: { fromMs: number; toMs: number }): Statement {
  const insert = db.prepare(
    `INSERT INTO budget_spend (budget, month, spent_micros)
     SELECT b.id, ?2, coalesce(sum(u.cost), 0) FROM budgets AS b LEFT JOIN (
       SELECT org, project, key, ${toSnakeCase("costMicros")} AS cost FROM usage_daily
       WHERE org = (SELECT org FROM budgets WHERE id = ?1) AND day >= ?2 AND day < ?3
     ) AS u ON u.org = b.org AND (b.project IS NULL OR b.project = u.project)
       AND (b.key IS NULL OR u.key IN (SELECT id FROM keys WHERE org = b.org AND coalesce(lineage, id) = b.key))
     WHERE b.id = ?1 GROUP BY b.id
     ON CONFLICT (budget, month) DO UPDATE SET spent_micros = excluded.spent_micros`,
  );
  return insert.bind(id, month.fromMs, month.toMs);
}

const Owner = z.object({ key: KeyId });

/** The first key of the chain that a key of an org belongs to; null when the org has no such key. */
export async function findLineage(db: Database, org: OrgId, key: KeyId): Promise<KeyId | null> {
  const select = db.prepare("SELECT coalesce(lineage, id) AS key FROM keys WHERE org = ? AND id = ?");
  return Owner.nullable().parse(await select.bind(org, key).first())?.key ?? null;
}

/** Whether an org has such a project. */
export async function hasProject(db: Database, org: OrgId, project: ProjectId): Promise<boolean> {
  const row = await db.prepare("SELECT id FROM projects WHERE org = ? AND id = ?").bind(org, project).first();
  return row !== null;
}

/** The keys of a chain, whose records a stop changes. */
export async function selectChain(db: Database, org: OrgId, key: KeyId): Promise<KeyId[]> {
  const select = db.prepare("SELECT id AS key FROM keys WHERE org = ? AND coalesce(lineage, id) = ?");
  return z
    .array(Owner)
    .parse((await select.bind(org, key).all()).results)
    .map((row) => row.key);
}
