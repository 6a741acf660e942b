import { toSnakeCase } from "../../agreements/names.ts";
import { usageColumnNames, usageColumns } from "../../agreements/records/usage-columns.ts";
import type { UsageRow } from "../../ledger/port.ts";
import { within } from "../within.ts";

const columns = usageColumnNames.map((name) => `"${toSnakeCase(name)}"`).join(", ");
/** A row that waited for D1 while the Worker was updated lacks a count that is new. */
const values = usageColumnNames.map((name) => {
  const value = `value ->> '${name}'`;
  return usageColumns[name].holds === "count" ? `coalesce(${value}, 0)` : value;
});

/**
 * One statement for any number of rows. DO NOTHING on a known id alone: `OR IGNORE` would also pass over a row that
 * breaks a constraint, and a line of the bill would be lost without a word.
 */
const insert = `
  INSERT INTO usage (${columns}) SELECT ${values.join(", ")} FROM json_each(?) WHERE true
  ON CONFLICT (id) DO NOTHING`;

/**
 * Writes lines of the bill, each once however often it is sent. Throws when D1 did not take all of them, or did not
 * answer in `msMax`.
 */
export async function writeUsage(db: D1Database, rows: UsageRow[], msMax: number): Promise<void> {
  if (rows.length === 0) return;
  const answer = await within<{ success: boolean }>(
    msMax,
    "usage",
    db.prepare(insert).bind(JSON.stringify(rows)).run(),
  );
  if (answer?.success !== true) throw new Error("usage: D1 did not confirm the rows");
}
