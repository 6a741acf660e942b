import { toSnakeCase } from "#edge/agreements/names.ts";
import { usageColumnNames } from "#edge/agreements/records/usage-columns.ts";
import type { LocalDatabase } from "../edge/edge.ts";
import type { HistoryLine } from "./history.ts";

const linesAtOnce = 500;
const columns = usageColumnNames.map((name) => `"${toSnakeCase(name)}"`).join(", ");
const values = usageColumnNames.map((name) => `value ->> '${name}'`).join(", ");
const insert = `INSERT INTO usage (${columns}) SELECT ${values} FROM json_each(?) WHERE true
  ON CONFLICT (id) DO NOTHING`;

/** Writes lines of the bill as the ledger would; the sums that follow from them, and budgets, the database makes. */
export async function writePast(db: LocalDatabase, lines: readonly HistoryLine[]): Promise<void> {
  for (let at = 0; at < lines.length; at += linesAtOnce)
    await db
      .prepare(insert)
      .bind(JSON.stringify(lines.slice(at, at + linesAtOnce)))
      .run();
}

/** When the newest call of an org was admitted; null where there is none. */
export async function findNewest(db: LocalDatabase, org: string): Promise<number | null> {
  const row = await db.prepare("SELECT max(admitted_at_ms) AS newest FROM usage WHERE org = ?").bind(org).first();
  const newest: unknown = row?.["newest"];
  return typeof newest === "number" ? newest : null;
}
