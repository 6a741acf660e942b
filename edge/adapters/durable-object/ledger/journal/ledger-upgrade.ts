import { OrgId } from "../../../../agreements/tokens/ids.ts";
import { renameEnd } from "../../../../agreements/records/usage.ts";
import { formatVersion, sharedTables } from "./ledger-schema.ts";

/**
 * Brings a journal that an older version wrote to the format of this one, once: every hold keeps its checkpoint, every
 * end its meaning. To be run in one transaction. Throws when a newer version wrote it. Answers whether there was
 * anything to do.
 */
export function upgradeJournal(sql: SqlStorage): boolean {
  const version = readVersion(sql);
  if (version > formatVersion)
    throw new Error(`ledger: the journal has format ${version}, newer than ${formatVersion}`);
  if (version === formatVersion) return false;
  if (version < 2) renameWords(sql);
  if (version < 3) addLeaves(sql);
  addOrgs(sql);
  sql.exec(
    "CREATE TABLE IF NOT EXISTS format (version INTEGER NOT NULL) STRICT; DELETE FROM format;" +
      `INSERT INTO format (version) VALUES (${formatVersion});`,
  );
  return true;
}

function renameWords(sql: SqlStorage): void {
  sql.exec(
    `UPDATE holds SET hold = json_remove(
       json_set(hold, '$.checkpoint', json(coalesce(nullif(hold -> '$.checkpoint', 'null'), hold -> '$.noted'))),
       '$.noted')
     WHERE json_type(hold, '$.noted') IS NOT NULL`,
  );
  const ends = `SELECT DISTINCT "end" AS ending FROM holds WHERE "end" IS NOT NULL`;
  for (const { ending } of sql.exec<{ ending: string }>(ends).toArray()) {
    const renamed = renameEnd(ending);
    const update = `UPDATE holds SET "end" = ?, closing = json_set(closing, '$.end', ?) WHERE "end" = ?`;
    if (renamed !== ending) sql.exec(update, renamed, renamed, ending);
  }
}

function addLeaves(sql: SqlStorage): void {
  sql.exec("ALTER TABLE records ADD COLUMN leaves_at_ms INTEGER");
  sql.exec("CREATE TABLE left_keys (id TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID");
}

/**
 * Whatever is in an object older than format 4 belongs to one org. A column's default says so of all rows at once: not
 * one of them is rewritten, however many there are. Every later row names its org.
 */
function addOrgs(sql: SqlStorage): void {
  const org = findOnlyOrg(sql);
  for (const table of ["records", "left_keys", "holds"])
    sql.exec(`ALTER TABLE ${table} ADD COLUMN org TEXT NOT NULL DEFAULT '${org}'`);
  sql.exec("DROP INDEX IF EXISTS holds_by_idempotency");
  sql.exec(sharedTables);
  sql.exec(
    `UPDATE progress SET (compacted, drained) = (SELECT seq, drained FROM snapshot LIMIT 1)
     WHERE EXISTS (SELECT 1 FROM snapshot)`,
  );
  // Which holds were open stands in a body of many parts: that some may have been is enough to look.
  sql.exec("INSERT INTO snapshots (org, part, seq, open_holds, body) SELECT ?, part, seq, 1, body FROM snapshot", org);
  sql.exec("DROP TABLE snapshot");
}

/** The org of an object that has but one, by its records; those that left had its reference in their ids. */
function findOnlyOrg(sql: SqlStorage): OrgId {
  const select = `SELECT coalesce(body ->> '$.org', id) AS org FROM records
    UNION ALL SELECT 'org_' || substr(id, 5, 10) FROM left_keys LIMIT 1`;
  const [row] = sql.exec<{ org: string }>(select).toArray();
  return OrgId.parse(row?.org);
}

function readVersion(sql: SqlStorage): number {
  if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'format'").toArray().length === 0) return 1;
  return sql.exec<{ version: number }>("SELECT version FROM format").one().version;
}
