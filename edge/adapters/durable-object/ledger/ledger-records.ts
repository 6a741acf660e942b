import type { KeyRecord } from "../../../agreements/records/key.ts";
import type { OrgRecord } from "../../../agreements/records/org.ts";
import { findLeaveMs } from "../../../ledger/leave.ts";
import type { State } from "../../../ledger/state.ts";
import { leftSchema } from "./ledger-upgrade.ts";

/** Makes the tables of records: those in force, and the versions of keys that have left. */
export const recordsSchema = `
  CREATE TABLE records (id TEXT PRIMARY KEY, body TEXT NOT NULL, leaves_at_ms INTEGER) STRICT, WITHOUT ROWID;
  ${leftSchema}
`;

/** Puts all records into the state, and when each leaves. */
export function readRecords(sql: SqlStorage, state: State): void {
  const select = "SELECT body, leaves_at_ms FROM records";
  for (const { body, leaves_at_ms } of sql.exec<{ body: string; leaves_at_ms: number | null }>(select)) {
    const record = JSON.parse(body) as OrgRecord | KeyRecord;
    if (record.kind === "org") state.org = record;
    else state.keys[record.id] = record;
    if (leaves_at_ms !== null) state.leaving[record.id] = leaves_at_ms;
  }
}

/**
 * Before format 3 nothing said when a key leaves: then it is counted from the last time that anything was booked, since
 * nothing of the key's was booked later.
 */
export function planMissingLeaves(sql: SqlStorage, state: State): void {
  for (const [id, key] of Object.entries(state.keys)) {
    const leavesAtMs = id in state.leaving ? null : findLeaveMs(state, key, state.atMs);
    if (leavesAtMs === null) continue;
    state.leaving[id] = leavesAtMs;
    sql.exec("UPDATE records SET leaves_at_ms = ? WHERE id = ?", leavesAtMs, id);
  }
}

/** Stores a record in the place of the one before. */
export function storeRecord(sql: SqlStorage, record: OrgRecord | KeyRecord, leavesAtMs: number | null): void {
  const insert = "INSERT OR REPLACE INTO records (id, body, leaves_at_ms) VALUES (?, ?, ?)";
  sql.exec(insert, record.id, JSON.stringify(record), leavesAtMs);
  sql.exec("DELETE FROM left_keys WHERE id = ?", record.id);
}

/** Forgets these keys, but for their versions. */
export function dropKeys(sql: SqlStorage, keys: KeyRecord[]): void {
  const left = JSON.stringify(keys.map(({ id, version }) => ({ id, version })));
  const insert = `INSERT OR REPLACE INTO left_keys (id, version)
    SELECT value ->> 'id', value ->> 'version' FROM json_each(?)`;
  sql.exec(insert, left);
  sql.exec("DELETE FROM records WHERE id IN (SELECT value ->> 'id' FROM json_each(?))", left);
}

/** The version of a key that has left; `null` when none did. */
export function findLeftVersion(sql: SqlStorage, key: string): number | null {
  const [row] = sql.exec<{ version: number }>("SELECT version FROM left_keys WHERE id = ?", key);
  return row?.version ?? null;
}
