import type { OrgId } from "../../../../agreements/tokens/ids.ts";

/**
 * How far an org's move to an object of its own is. In the shard: it is `frozen`, then `forwarded`. In its own object:
 * it is `arriving`, then it has `arrived`. Served it is where there is no step, and where it has arrived.
 */
export type MoveStep = "frozen" | "forwarded" | "arriving" | "arrived";

/** A row as it lies in a table. */
type Row = Record<string, string | number | null>;

/** Whether an org can come to its own object: it comes (so far up to hold `seq`), it has, or was always there. */
export type Arrival = { kind: "arriving"; seq: number } | { kind: "arrived" } | { kind: "occupied" };

/** A part of what an object knows of an org. `rest` comes with the last. */
export interface OrgRows {
  holds: Row[];
  rest: { records: Row[]; left_keys: Row[]; snapshots: Row[]; drained: number } | null;
}

/** What is known of an org that nobody knows. */
export const noRows: OrgRows = { holds: [], rest: { records: [], left_keys: [], snapshots: [], drained: 0 } };

/** Some megabytes; a message between objects may have 32 MiB. */
const rowsMax = 5_000;

const tables = ["holds", "leases", "records", "left_keys", "snapshots"] as const;

/** The steps of all orgs that move or have moved; none while there are no tables. */
export function readSteps(sql: SqlStorage): Map<OrgId, MoveStep> {
  const rows = sql.exec<{ org: OrgId; step: MoveStep }>("SELECT org, step FROM moves");
  return new Map(Array.from(rows, ({ org, step }) => [org, step]));
}

/** Notes how far an org's move is. */
export function writeStep(sql: SqlStorage, org: OrgId, step: MoveStep): void {
  sql.exec("INSERT OR REPLACE INTO moves (org, step) VALUES (?, ?)", org, step);
}

/** Lists what an object knows of an org: its holds after `seq`, and with the last of them all else. */
export function listRows(sql: SqlStorage, org: OrgId, seq: number): OrgRows {
  const select = "SELECT * FROM holds WHERE org = ? AND seq > ? ORDER BY seq LIMIT ?";
  const holds = sql.exec<Row>(select, org, seq, rowsMax).toArray();
  if (holds.length === rowsMax) return { holds, rest: null };
  const list = (table: string) => sql.exec<Row>(`SELECT * FROM ${table} WHERE org = ?`, org).toArray();
  const { drained } = sql.exec<{ drained: number }>("SELECT drained FROM progress").one();
  return {
    holds,
    rest: { records: list("records"), left_keys: list("left_keys"), snapshots: list("snapshots"), drained },
  };
}

/** Takes in rows that another object listed; those that are here already stay as they are. */
export function insertRows(sql: SqlStorage, { holds, rest }: OrgRows): void {
  insertAll(sql, "holds", holds);
  if (!rest) return;
  for (const table of ["records", "left_keys", "snapshots"] as const) insertAll(sql, table, rest[table]);
  const saved = "SELECT coalesce(max(seq), 0) FROM snapshots";
  sql.exec(`UPDATE progress SET compacted = (${saved}), drained = ?`, rest.drained);
}

/** The number of the last hold's row; 0 for none. */
export function findLastSeq(sql: SqlStorage): number {
  return sql.exec<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM holds").one().seq;
}

/** Whether the object knows anything of an org. */
export function hasRows(sql: SqlStorage, org: OrgId): boolean {
  return tables.some((table) => sql.exec(`SELECT 1 FROM ${table} WHERE org = ? LIMIT 1`, org).toArray().length > 0);
}

/** Deletes every row of an org, but for where it has gone. */
export function deleteRows(sql: SqlStorage, org: OrgId): void {
  for (const table of tables) sql.exec(`DELETE FROM ${table} WHERE org = ?`, org);
}

function insertAll(sql: SqlStorage, table: (typeof tables)[number], rows: Row[]): void {
  for (const row of rows) {
    const names = Object.keys(row);
    const insert = `INSERT OR IGNORE INTO ${table} (${names.map((name) => `"${name}"`).join(", ")})
      VALUES (${names.map(() => "?").join(", ")})`;
    sql.exec(insert, ...Object.values(row));
  }
}
