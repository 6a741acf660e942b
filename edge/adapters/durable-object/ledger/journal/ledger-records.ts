import type { KeyRecord } from "../../../../agreements/records/key.ts";
import type { OrgId } from "../../../../agreements/tokens/ids.ts";
import type { PublishedRecord } from "../../../../ledger/port.ts";
import { findHome } from "../../../../ledger/publish.ts";
import { findLeaveMs } from "../../../../ledger/leave.ts";
import type { State } from "../../../../ledger/state.ts";

/** Puts an org's records into its state, and when each leaves. */
export function readRecords(sql: SqlStorage, org: OrgId, state: State): void {
  const select = "SELECT body, leaves_at_ms FROM records WHERE org = ? ORDER BY id";
  for (const { body, leaves_at_ms } of sql.exec<{ body: string; leaves_at_ms: number | null }>(select, org)) {
    const record = JSON.parse(body) as PublishedRecord;
    if (record.kind === "org") state.org = record;
    else if (record.kind === "key") state.keys[record.id] = record;
    else state.projects[record.id] = record;
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

/**
 * Stores a record in the place of the one before. Throws when its id does not bear its org's reference, or is another
 * org's project: no org may take the place of what is a neighbour's.
 */
export function storeRecord(sql: SqlStorage, record: PublishedRecord, leavesAtMs: number | null): void {
  const insert = "INSERT OR REPLACE INTO records (id, body, leaves_at_ms, org) VALUES (?, ?, ?, ?)";
  const org = findHome(record);
  if (!isFree(sql, record, org)) throw new TypeError("ledger: 'id' is not acceptable");
  sql.exec(insert, record.id, JSON.stringify(record), leavesAtMs, org);
  sql.exec("DELETE FROM left_keys WHERE id = ? AND org = ?", record.id, org);
}

function isFree(sql: SqlStorage, { kind, id }: PublishedRecord, org: OrgId): boolean {
  if (kind !== "project") return id.slice("key_".length).startsWith(org.slice("org_".length));
  return sql.exec("SELECT 1 FROM records WHERE id = ? AND org <> ?", id, org).toArray().length === 0;
}

/** Forgets these keys, but for their versions. */
export function dropKeys(sql: SqlStorage, keys: KeyRecord[]): void {
  const left = JSON.stringify(keys.map(({ id, version, org }) => ({ id, version, org })));
  const insert = `INSERT OR REPLACE INTO left_keys (id, version, org)
    SELECT value ->> 'id', value ->> 'version', value ->> 'org' FROM json_each(?)`;
  sql.exec(insert, left);
  sql.exec("DELETE FROM records WHERE id IN (SELECT value ->> 'id' FROM json_each(?))", left);
}

/** The version of a key that has left; `null` when none did. */
export function findLeftVersion(sql: SqlStorage, org: OrgId, key: string): number | null {
  const select = "SELECT version FROM left_keys WHERE id = ? AND org = ?";
  const [row] = sql.exec<{ version: number }>(select, key, org).toArray();
  return row?.version ?? null;
}

const moving = "SELECT org FROM moves WHERE step <> 'arrived'";

/** When the next key of any org leaves, those that move aside; `Infinity` when none does. */
export function nextLeaveMs(sql: SqlStorage): number {
  const select = `SELECT leaves_at_ms AS ms FROM records
    WHERE leaves_at_ms IS NOT NULL AND org NOT IN (${moving}) ORDER BY leaves_at_ms LIMIT 1`;
  return sql.exec<{ ms: number }>(select).toArray()[0]?.ms ?? Infinity;
}

/** The orgs that have a key whose time to leave has come, those that move aside. */
export function listLeaving(sql: SqlStorage, now: number): OrgId[] {
  const select = `SELECT DISTINCT org FROM records WHERE leaves_at_ms <= ? AND org NOT IN (${moving})`;
  return Array.from(sql.exec<{ org: OrgId }>(select, now), ({ org }) => org);
}
