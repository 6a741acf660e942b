import type { OrgId } from "../../../../agreements/tokens/ids.ts";
import { apply } from "../../../../ledger/counters.ts";
import { createState, type Change, type Closing, type Hold, type State } from "../../../../ledger/state.ts";
import { planMissingLeaves, readRecords } from "./ledger-records.ts";
import type { NumberedChange } from "./ledger-changes.ts";

/** A value may have 2 MB; the counters of a thousand busy keys take more, so a snapshot is cut into parts. */
const snapshotPartChars = 1_000_000;

/**
 * The part of the state that has no rows of its own: the counters (stored as `books`), the time, which holds were open,
 * and the leases.
 */
interface Snapshot {
  atMs: number;
  books: State["counters"];
  open: string[];
  leases?: State["leases"];
}

/** Stores the snapshot of an org, as of the change numbered `seq`, in the place of the one before. */
export function writeSnapshot(sql: SqlStorage, org: OrgId, seq: number, state: State): void {
  const open = Object.keys(state.holds);
  const snapshot: Snapshot = { atMs: state.atMs, books: state.counters, open, leases: state.leases };
  const due = open.length + Object.keys(state.leases).length;
  const text = JSON.stringify(snapshot);
  // Nothing is awaited here: all parts are stored, or none.
  sql.exec("DELETE FROM snapshots WHERE org = ?", org);
  const insert = "INSERT INTO snapshots (org, part, seq, open_holds, body) VALUES (?, ?, ?, ?, ?)";
  for (let from = 0, part = 1; from < text.length; from += snapshotPartChars, part++)
    sql.exec(insert, org, part, seq, due, text.slice(from, from + snapshotPartChars));
}

/** An org as its rows tell: its state, and the number of the last change in it. */
export interface RestoredOrg {
  state: State;
  seq: number;
}

/**
 * Reads one org: its records, its snapshot, and those of the `later` changes that the snapshot does not have. `null`
 * when nothing was ever published of it.
 */
export function restoreOrg(sql: SqlStorage, org: OrgId, later: NumberedChange[]): RestoredOrg | null {
  const state = createState();
  readRecords(sql, org, state);
  const snapshotSeq = readSnapshot(sql, org, state);
  let seq = snapshotSeq;
  for (const { seq: number, change } of later) {
    if (number <= snapshotSeq) continue;
    apply(state, change);
    seq = number;
  }
  const isKnown = state.org !== null || Object.keys({ ...state.keys, ...state.projects }).length > 0 || seq > 0;
  if (!isKnown) return null;
  planMissingLeaves(sql, state);
  return { state, seq };
}

/** Every change after `seq`, of all orgs, in order: both halves of each row; a correction has but one. */
export function readChanges(sql: SqlStorage, seq: number): Map<OrgId, NumberedChange[]> {
  const changes: NumberedChange[] = [];
  const held = "SELECT org, seq, hold FROM holds WHERE seq > ? AND end_seq IS NOT seq";
  for (const row of sql.exec<{ org: OrgId; seq: number; hold: string }>(held, seq))
    changes.push({ org: row.org, seq: row.seq, change: readHeld(JSON.parse(row.hold) as Hold) });
  const ended = "SELECT org, hold, end_seq AS seq, closing FROM holds WHERE end_seq > ?";
  for (const row of sql.exec<{ org: OrgId; seq: number; hold: string; closing: string }>(ended, seq)) {
    const closing = JSON.parse(row.closing) as Closing;
    const kind: Change["kind"] = closing.end === "adjusted" ? "late" : "closed";
    changes.push({ org: row.org, seq: row.seq, change: { kind, hold: JSON.parse(row.hold) as Hold, closing } });
  }
  const leases = "SELECT org, seq, change FROM leases WHERE seq > ?";
  for (const row of sql.exec<{ org: OrgId; seq: number; change: string }>(leases, seq))
    changes.push({ org: row.org, seq: row.seq, change: JSON.parse(row.change) as Change });
  changes.sort((one, other) => one.seq - other.seq);
  return Map.groupBy(changes, ({ org }) => org);
}

function readHeld(hold: Hold): Change {
  const { lease } = hold;
  return lease ? { kind: "opened", hold: { ...hold, lease } } : { kind: "held", hold };
}

/** Orgs whose snapshot has open holds or leases: their deadlines come, though nobody asks. */
export function listOrgsWithHolds(sql: SqlStorage): OrgId[] {
  const select = "SELECT org FROM snapshots WHERE part = 1 AND open_holds > 0";
  return Array.from(sql.exec<{ org: OrgId }>(select), ({ org }) => org);
}

/** All orgs of which anything was published. */
export function listOrgs(sql: SqlStorage): OrgId[] {
  return Array.from(sql.exec<{ org: OrgId }>("SELECT DISTINCT org FROM records"), ({ org }) => org);
}

/** Puts the snapshot into the state, and answers the number of the last change in it; 0 without one. */
function readSnapshot(sql: SqlStorage, org: OrgId, state: State): number {
  const select = "SELECT seq, body FROM snapshots WHERE org = ? ORDER BY part";
  const parts = sql.exec<{ seq: number; body: string }>(select, org).toArray();
  const [first] = parts;
  if (!first) return 0;
  const { atMs, books, open, leases = {} } = JSON.parse(parts.map(({ body }) => body).join("")) as Snapshot;
  state.atMs = atMs;
  state.counters = books;
  state.leases = leases;
  const holds = "SELECT hold FROM holds WHERE id IN (SELECT value FROM json_each(?))";
  for (const { hold } of sql.exec<{ hold: string }>(holds, JSON.stringify(open))) {
    const found = JSON.parse(hold) as Hold;
    state.holds[found.id] = found;
  }
  return first.seq;
}
