const oldEnds = { completed: "done", cancelled: "cut", failed: "broken", adjusted: "corrected" };

/**
 * Writes a journal's rows as the version before 2026-11-29 did: its members, its words, no word on the format or on
 * when a key leaves. One that a key has left is kept: no old version ever wrote such a journal.
 */
export function rewriteInOldFormat(sql: Pick<SqlStorage, "exec">): void {
  if (sql.exec("SELECT id FROM left_keys").toArray().length > 0) return;
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
