const oldEnds = { completed: "done", cancelled: "cut", failed: "broken", adjusted: "corrected" };

/** Writes a journal's rows as the version before 2026-11-29 did: its members, its words, no word on the format. */
export function rewriteInOldFormat(sql: Pick<SqlStorage, "exec">): void {
  sql.exec("DROP TABLE format");
  sql.exec(
    "UPDATE holds SET hold = json_remove(json_set(hold, '$.noted', json(hold -> '$.checkpoint')), '$.checkpoint')",
  );
  for (const [end, old] of Object.entries(oldEnds))
    sql.exec(
      `UPDATE holds SET "end" = '${old}', closing = json_set(closing, '$.end', '${old}') WHERE "end" = '${end}'`,
    );
}
