import { apply } from "../../../ledger/counters.ts";
import type { Journal } from "../../../ledger/core.ts";
import type { UsageRow } from "../../../ledger/port.ts";
import {
  createState,
  makeFirstCall,
  makeUsageRow,
  type Change,
  type Closing,
  type EarlierCall,
  type Ended,
  type Hold,
  type State,
} from "../../../ledger/state.ts";
import type { KeyRecord } from "../../../agreements/records/key.ts";
import type { OrgRecord } from "../../../agreements/records/org.ts";
import { endedRetentionMs } from "../../../limits.ts";
import {
  dropKeys,
  findLeftVersion,
  planMissingLeaves,
  readRecords,
  recordsSchema,
  storeRecord,
} from "./ledger-records.ts";
import { formatSchema, upgradeJournal } from "./ledger-upgrade.ts";

/**
 * `holds` is the journal, the store of holds and the outbox at once. A row is written when a call is admitted (`seq`)
 * and again when it ends (`end_seq`, numbered from the same series); a correction is a row of its own. State = snapshot
 * + all that is numbered after it. Rows up to `drained` are in D1.
 */
const schema = `
  CREATE TABLE snapshot (
    part INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    drained INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE holds (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    idempotency TEXT,
    hold TEXT NOT NULL,
    end_seq INTEGER,
    "end" TEXT,
    ended_at_ms INTEGER,
    closing TEXT
  ) STRICT;
  CREATE UNIQUE INDEX holds_by_end ON holds (end_seq) WHERE end_seq IS NOT NULL;
  CREATE INDEX holds_by_idempotency ON holds (idempotency) WHERE idempotency IS NOT NULL;
`;

/**
 * Rows that go to D1 in one statement (2 MB of JSON are allowed, these are some 200 kB), and rows forgotten at a time.
 */
const outboxRowsMax = 500;
const sweptRowsMax = 1_000;
/** A value may have 2 MB; the counters of a thousand busy keys take more, so a snapshot is cut into parts. */
const snapshotPartChars = 1_000_000;

interface HoldRow extends Record<string, SqlStorageValue> {
  seq: number;
  hold: string;
  end_seq: number | null;
  closing: string | null;
}

/**
 * The part of the state that has no rows of its own: the counters (stored as `books`), the time, and which holds were
 * open.
 */
interface Snapshot {
  atMs: number;
  books: State["counters"];
  open: string[];
}

/**
 * The journal of one org in the object's own SQLite. A new object writes nothing until an org or key is published to
 * it.
 */
export class SqliteJournal implements Journal {
  /** Usage rows that wait for D1. */
  outboxRows = 0;
  readonly #sql: SqlStorage;
  /** The tables are there. */
  #hasTables: boolean;
  #seq = 0;
  /** Something has changed since the last snapshot. */
  #isDirty = false;
  #drainedSeq = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#hasTables = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'holds'").toArray().length > 0;
  }

  /**
   * The state as it was before the process died: snapshot, then every later change in its order. What an older version
   * wrote is brought to today's format first.
   */
  restore(): State {
    const state = createState();
    if (!this.#hasTables) return state;
    upgradeJournal(this.#sql);
    readRecords(this.#sql, state);
    this.#readSnapshot(state);
    const from = this.#seq;
    this.#replay(state);
    planMissingLeaves(this.#sql, state);
    this.#isDirty = this.#seq > from;
    const waiting = `SELECT count(*) AS rows FROM holds WHERE end_seq > ? AND "end" <> 'released'`;
    this.outboxRows = this.#sql.exec<{ rows: number }>(waiting, this.#drainedSeq).one().rows;
    return state;
  }

  write(change: Change): void {
    const { hold } = change;
    if (change.kind === "checkpointed") {
      this.#sql.exec("UPDATE holds SET hold = ? WHERE id = ?", JSON.stringify(hold), hold.id);
      return;
    }
    const seq = this.#seq + 1;
    this.#isDirty = true;
    if (change.kind === "held") {
      const insert = "INSERT INTO holds (seq, id, idempotency, hold) VALUES (?, ?, ?, ?)";
      this.#sql.exec(insert, seq, hold.id, hold.idempotency?.key ?? null, JSON.stringify(hold));
      this.#seq = seq;
      return;
    }
    const { closing } = change;
    if (change.kind === "closed") {
      const forget = closing.end === "released" ? ", idempotency = NULL" : "";
      const update = `UPDATE holds SET end_seq = ?, "end" = ?, ended_at_ms = ?, closing = ?${forget} WHERE id = ?`;
      this.#sql.exec(update, seq, closing.end, closing.atMs, JSON.stringify(closing), hold.id);
    } else {
      const insert = `INSERT INTO holds (seq, id, hold, end_seq, "end", ended_at_ms, closing)
        VALUES (?, ?, ?, ?, ?, ?, ?)`;
      this.#sql.exec(
        insert,
        seq,
        makeLateId(hold.id),
        JSON.stringify(hold),
        seq,
        closing.end,
        closing.atMs,
        JSON.stringify(closing),
      );
    }
    this.#seq = seq;
    if (closing.end !== "released") this.outboxRows++;
  }

  publish(record: OrgRecord | KeyRecord, leavesAtMs: number | null): void {
    if (!this.#hasTables) this.#sql.exec(schema + recordsSchema + formatSchema);
    this.#hasTables = true;
    storeRecord(this.#sql, record, leavesAtMs);
  }

  /** With a snapshot, so that no start finds the counters that went along. */
  leave(keys: KeyRecord[], after: State): void {
    dropKeys(this.#sql, keys);
    this.#writeSnapshot(after);
  }

  findLeft(key: string): number | null {
    return this.#hasTables ? findLeftVersion(this.#sql, key) : null;
  }

  findEnded(hold: string): Ended | null {
    const [row] = this.#rows(
      "SELECT seq, hold, end_seq, closing FROM holds WHERE id = ? AND end_seq IS NOT NULL",
      hold,
    );
    if (!row?.closing) return null;
    const closing = JSON.parse(row.closing) as Closing;
    const isAdjusted =
      closing.end === "expired" && this.#rows("SELECT seq FROM holds WHERE id = ?", makeLateId(hold)).length > 0;
    return { hold: JSON.parse(row.hold) as Hold, closing, isAdjusted };
  }

  findEarlier(key: string): EarlierCall | null {
    const [row] = this.#rows(
      "SELECT seq, hold, end_seq, closing FROM holds WHERE idempotency = ? ORDER BY seq DESC LIMIT 1",
      key,
    );
    const hold = row && (JSON.parse(row.hold) as Hold);
    if (!hold?.idempotency) return null;
    return {
      body: hold.idempotency.body,
      admittedAtMs: hold.admittedAtMs,
      ended: row?.closing ? makeFirstCall(JSON.parse(row.closing) as Closing) : null,
    };
  }

  /** The oldest rows of the bill that are not known to be in D1, and the number to confirm them by. `null`: all are. */
  readOutbox(org: string): { rows: UsageRow[]; seq: number } | null {
    const ended = this.#rows(
      "SELECT seq, hold, end_seq, closing FROM holds WHERE end_seq > ? ORDER BY end_seq LIMIT ?",
      this.#drainedSeq,
      outboxRowsMax,
    );
    const seq = ended.at(-1)?.end_seq;
    if (!seq) return null;
    const rows = ended.map(({ hold, closing }) =>
      makeUsageRow(JSON.parse(hold) as Hold, JSON.parse(closing ?? "") as Closing, org),
    );
    return { rows: rows.filter((row) => row !== null), seq };
  }

  /** These rows are in D1. */
  markDrained(seq: number, rows: number): void {
    if (seq <= this.#drainedSeq) return;
    this.#drainedSeq = seq;
    this.outboxRows -= rows;
    this.#isDirty = true;
  }

  /**
   * Stores a snapshot if anything has changed since the last, and forgets what ended more than a week ago and is in D1.
   */
  compact(state: State): void {
    if (!this.#isDirty) return;
    this.#writeSnapshot(state);
    const [oldest] = this.#sql.exec<{ ended_at_ms: number }>(
      "SELECT ended_at_ms FROM holds WHERE end_seq > 0 ORDER BY end_seq LIMIT 1",
    );
    if (!oldest || oldest.ended_at_ms > state.atMs - endedRetentionMs) return;
    const some = "SELECT end_seq FROM holds WHERE end_seq <= ? AND ended_at_ms <= ? ORDER BY end_seq LIMIT ?";
    this.#sql.exec(
      `DELETE FROM holds WHERE end_seq IN (${some})`,
      this.#drainedSeq,
      state.atMs - endedRetentionMs,
      sweptRowsMax,
    );
  }

  #readSnapshot(state: State): void {
    const parts = this.#sql
      .exec<{ seq: number; drained: number; body: string }>("SELECT seq, drained, body FROM snapshot ORDER BY part")
      .toArray();
    const [first] = parts;
    if (!first) return;
    const { atMs, books, open } = JSON.parse(parts.map(({ body }) => body).join("")) as Snapshot;
    state.atMs = atMs;
    state.counters = books;
    this.#seq = first.seq;
    this.#drainedSeq = first.drained;
    for (const { hold } of this.#rows(
      "SELECT hold FROM holds WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(open),
    )) {
      const found = JSON.parse(hold) as Hold;
      state.holds[found.id] = found;
    }
  }

  /** Both halves of each row in the order of their numbers; a correction has but one. */
  #replay(state: State): void {
    const changes: { seq: number; change: Change }[] = [];
    for (const row of this.#rows("SELECT seq, hold FROM holds WHERE seq > ? AND end_seq IS NOT seq", this.#seq)) {
      changes.push({ seq: row.seq, change: { kind: "held", hold: JSON.parse(row.hold) as Hold } });
    }
    for (const row of this.#rows("SELECT hold, end_seq, closing FROM holds WHERE end_seq > ?", this.#seq)) {
      const closing = JSON.parse(row.closing ?? "") as Closing;
      const kind = closing.end === "adjusted" ? "late" : "closed";
      changes.push({ seq: row.end_seq ?? 0, change: { kind, hold: JSON.parse(row.hold) as Hold, closing } });
    }
    changes.sort((one, other) => one.seq - other.seq);
    for (const { change } of changes) apply(state, change);
    this.#seq = changes.at(-1)?.seq ?? this.#seq;
  }

  #writeSnapshot(state: State): void {
    const snapshot: Snapshot = { atMs: state.atMs, books: state.counters, open: Object.keys(state.holds) };
    const text = JSON.stringify(snapshot);
    // Nothing is awaited here: all parts are stored, or none.
    this.#sql.exec("DELETE FROM snapshot");
    for (let from = 0; from < text.length; from += snapshotPartChars) {
      const insert = "INSERT INTO snapshot (seq, drained, body) VALUES (?, ?, ?)";
      this.#sql.exec(insert, this.#seq, this.#drainedSeq, text.slice(from, from + snapshotPartChars));
    }
    this.#isDirty = false;
  }

  #rows(query: string, ...bindings: SqlStorageValue[]): HoldRow[] {
    return this.#hasTables ? this.#sql.exec<HoldRow>(query, ...bindings).toArray() : [];
  }
}

function makeLateId(hold: string): string {
  return `${hold}:late`;
}
