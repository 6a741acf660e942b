const oldEnds = { completed: "done", cancelled: "cut", failed: "broken", adjusted: "corrected" };

type Sql = Pick<SqlStorage, "exec">;

/** Writes a journal's rows as format 3 had them: of one org, which no row names. It must have no other. */
export function rewriteInFormat3(sql: Sql): void {
  for (const index of ["records_by_org", "records_by_leave", "holds_by_idempotency"]) sql.exec(`DROP INDEX ${index}`);
  for (const table of ["records", "left_keys", "holds"]) sql.exec(`ALTER TABLE ${table} DROP COLUMN org`);
  sql.exec("CREATE INDEX holds_by_idempotency ON holds (idempotency) WHERE idempotency IS NOT NULL");
  sql.exec(
    `CREATE TABLE snapshot (
       part INTEGER PRIMARY KEY, seq INTEGER NOT NULL, drained INTEGER NOT NULL, body TEXT NOT NULL
     ) STRICT`,
  );
  // Then each snapshot said both: what is in it, and what is in D1.
  sql.exec(
    `INSERT INTO snapshot (part, seq, drained, body)
     SELECT part, seq, (SELECT drained FROM progress), body FROM snapshots`,
  );
  for (const table of ["snapshots", "progress", "moves", "leases"]) sql.exec(`DROP TABLE ${table}`);
  sql.exec("UPDATE format SET version = 3");
}

/**
 * Writes a journal's rows as the version before 2026-11-29 did: its members, its words, no word on the format or on
 * when a key leaves. One that a key has left is kept: no old version ever wrote such a journal.
 */
export function rewriteInOldFormat(sql: Sql): void {
  if (sql.exec("SELECT id FROM left_keys").toArray().length > 0) return;
  rewriteInFormat3(sql);
  sql.exec("DROP TABLE format");
  sql.exec("DROP TABLE left_keys");
  sql.exec("ALTER TABLE records DROP COLUMN leaves_at_ms");
  sql.exec(
    "UPDATE holds SET hold = json_remove(json_set(hold, '$.noted', json(hold -> '$.checkpoint')), '$.checkpoint')",
  );
  for (const [end, old] of Object.entries(oldEnds))
    sql.exec(
      `UPDATE holds SET "end" = '${old}', closing = json_set(closing, '$.end', '${old}') WHERE "end" = '${end}'`,
    );
}
