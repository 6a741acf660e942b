import { z } from "zod";
import { mapNames, toSnakeCase } from "../../agreements/names.ts";
import { amountColumns } from "../../agreements/records/usage-columns.ts";
import { Tier } from "../../agreements/records/model.ts";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Database } from "../http/store.ts";
import type { MonthSpan } from "./month.ts";

const StatementLine = z.object({
  project: z.string(),
  projectName: z.string().nullable(),
  model: z.string(),
  tier: Tier,
  calls: z.int(),
  ...mapNames(amountColumns, () => z.int()),
});

/** What a project has used of a model in a tier, in a month; '' is no project. */
export type StatementLine = z.infer<typeof StatementLine>;

/** As many as a statement has at most; of more, none is written. */
export const statementLinesMax = 10_000;

const sums = amountColumns.map((name) => `sum(u.${toSnakeCase(name)}) AS ${name}`).join(", ");

/** The lines of an org's month, from roll-ups: their sum is that of all that was settled in it. */
export async function selectStatement(db: Database, org: OrgId, { fromMs, toMs }: MonthSpan): Promise<StatementLine[]> {
  const select = db.prepare(
    `SELECT u.project, p.name AS projectName, u.model, u.tier, sum(u.calls) AS calls, ${sums}
     FROM usage_daily AS u LEFT JOIN projects AS p ON p.id = u.project
     WHERE u.org = ?1 AND u.day >= ?2 AND u.day < ?3
     GROUP BY u.project, u.model, u.tier ORDER BY u.project, u.model, u.tier LIMIT ?4`,
  );
  const { results } = await select.bind(org, fromMs, toMs, statementLinesMax + 1).all();
  return z.array(StatementLine).parse(results);
}

/** Whether every line of the bill is in the roll-ups: those that are older than them are added up after a migration. */
export async function isAddedUp(db: Database): Promise<boolean> {
  return (await db.prepare("SELECT 1 FROM usage_backlog WHERE up_to > 0").first()) === null;
}
