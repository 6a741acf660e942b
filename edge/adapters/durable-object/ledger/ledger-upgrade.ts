import { renameEnd } from "../../../agreements/records/usage.ts";

/**
 * The format of the journal's rows. 1 has no table that says so. Since 2 a hold's last checkpoint is called
 * `checkpoint` (it was `noted`), and ends have the field's names (`renameEnd`). Since 3 keys leave: a record says when,
 * and `left_keys` which version a key had that did.
 */
const formatVersion = 3;

/** Makes the table of keys that have left. */
export const leftSchema = `
  CREATE TABLE left_keys (id TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Makes the table that says in which format the journal is. */
export const formatSchema = `
  CREATE TABLE format (version INTEGER NOT NULL) STRICT;
  INSERT INTO format (version) VALUES (${formatVersion});
`;

/**
 * Brings a journal that an older version wrote to the format of this one, once: every hold keeps its checkpoint, every
 * end its meaning. Each step may be run again, so a crash half-way does no harm. Throws when a newer version wrote it.
 */
export function upgradeJournal(sql: SqlStorage): void {
  const version = readVersion(sql);
  if (version > formatVersion)
    throw new Error(`ledger: the journal has format ${version}, newer than ${formatVersion}`);
  if (version < 2) renameWords(sql);
  if (version < 3) addLeaves(sql);
  if (version < formatVersion) sql.exec(`DROP TABLE IF EXISTS format; ${formatSchema}`);
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
  const columns = "SELECT 1 FROM pragma_table_info('records') WHERE name = 'leaves_at_ms'";
  if (sql.exec(columns).toArray().length === 0) sql.exec("ALTER TABLE records ADD COLUMN leaves_at_ms INTEGER");
  sql.exec(leftSchema.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"));
}

function readVersion(sql: SqlStorage): number {
  if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'format'").toArray().length === 0) return 1;
  return sql.exec<{ version: number }>("SELECT version FROM format").one().version;
}
