import type { Journal } from "../../../../ledger/core.ts";
import type { UsageRow } from "../../../../ledger/port.ts";
import {
  makeFirstCall,
  makeUsageRow,
  type Change,
  type Closing,
  type EarlierCall,
  type Hold,
  type State,
} from "../../../../ledger/state.ts";
import type { OrgId } from "../../../../agreements/tokens/ids.ts";
import { endedRetentionMs } from "../../../../limits.ts";
import { changeKinds, foldEnded, writeEnded, writeKind, writeOne, type NumberedChange } from "./ledger-changes.ts";
import { findEnded } from "./ledger-ended.ts";
import { dropKeys, findLeftVersion, listLeaving, nextLeaveMs, storeRecord } from "./ledger-records.ts";
import { listOrgs, listOrgsWithHolds, readChanges, restoreOrg, writeSnapshot } from "./ledger-restore.ts";
import { hasTables, schema } from "./ledger-schema.ts";
import { upgradeJournal } from "./ledger-upgrade.ts";

/**
 * Rows that go to D1 in one statement (2 MB of JSON are allowed, these are some 200 kB), and rows forgotten at a time.
 */
const outboxRowsMax = 500;
const sweptRowsMax = 1_000;

/** What the journal needs of an object's storage. */
export interface JournalStorage {
  readonly sql: SqlStorage;
  transactionSync<T>(work: () => T): T;
}

interface HoldRow extends Record<string, SqlStorageValue> {
  org: OrgId;
  hold: string;
  end_seq: number | null;
  closing: string | null;
}

/** Rows of the bill that are not known to be in D1, and the number to confirm them by. */
export interface OutboxBatch {
  rows: UsageRow[];
  seq: number;
}

/**
 * The journal of all orgs of one object, in its own SQLite: one series of numbers, one sync for whatever is written in
 * one turn. A new object writes nothing until an org or key is published to it.
 */
export class SqliteJournal {
  /** Changes since the last snapshots: what the next start will have to replay. */
  changes = 0;
  /** A new object has no tables until an org or key is published to it, or is on its way here. */
  hasTables: boolean;
  readonly #storage: JournalStorage;
  /** The tables were in an older format, so there are no snapshots by org yet. */
  readonly #isUpgraded: boolean;
  #seq = 0;
  #drainedSeq = 0;
  /** Orgs that have changed since the last snapshots. */
  readonly #changed = new Set<OrgId>();
  /** By org, its usage rows that wait for D1. */
  readonly #outboxRows = new Map<OrgId, number>();

  /** Brings what an older version wrote to today's format first; throws when a newer one wrote it. */
  constructor(storage: JournalStorage) {
    const { sql } = storage;
    this.#storage = storage;
    this.hasTables = hasTables(sql);
    this.#isUpgraded = this.hasTables && storage.transactionSync(() => upgradeJournal(sql));
  }

  /**
   * The orgs that an object must know as soon as it starts, as they were before the process died: whose snapshot is not
   * the last word, or whose holds have deadlines; of those that `isServed` here.
   */
  restore(isServed: (org: OrgId) => boolean): Map<OrgId, State> {
    const states = new Map<OrgId, State>();
    this.changes = 0;
    this.#changed.clear();
    this.#outboxRows.clear();
    const { sql } = this.#storage;
    if (!this.hasTables) return states;
    const select = "SELECT compacted, drained FROM progress";
    const { compacted, drained } = sql.exec<{ compacted: number; drained: number }>(select).one();
    this.#drainedSeq = drained;
    this.#seq = Math.max(compacted, drained);
    const changes = readChanges(sql, compacted);
    const orgs = new Set([...changes.keys(), ...listOrgsWithHolds(sql), ...(this.#isUpgraded ? listOrgs(sql) : [])]);
    for (const org of orgs) {
      const later = changes.get(org) ?? [];
      this.#seq = Math.max(this.#seq, later.at(-1)?.seq ?? 0);
      const restored = isServed(org) ? restoreOrg(sql, org, later) : null;
      if (!restored) continue;
      states.set(org, restored.state);
      if (later.length > 0) this.#changed.add(org);
      this.changes += later.length;
    }
    this.#countOutbox();
    return states;
  }

  /** Makes the tables, if there are none. */
  create(): void {
    if (!this.hasTables) this.#storage.sql.exec(schema);
    this.hasTables = true;
  }

  /** The state of an org that has not changed since its snapshot; `null` for one that was never published. */
  load(org: OrgId): State | null {
    return this.hasTables ? (restoreOrg(this.#storage.sql, org, [])?.state ?? null) : null;
  }

  /** Whether the org's snapshot is its state: then it can be forgotten, and loaded again. */
  isSaved(org: OrgId): boolean {
    return !this.#changed.has(org);
  }

  /** One org's part of the journal. */
  open(org: OrgId): Journal {
    const { sql } = this.#storage;
    return {
      write: (change) => this.#writeOne(org, change),
      writeAll: (changes) => this.writeAll(changes.map((change) => ({ org, change }))),
      publish: (record, leavesAtMs) => {
        this.create();
        storeRecord(sql, record, leavesAtMs);
      },
      // With a snapshot, so that no start finds the counters that went along.
      leave: (keys, after) => {
        dropKeys(sql, keys);
        this.saveOrg(org, after);
      },
      findLeft: (key) => (this.hasTables ? findLeftVersion(sql, org, key) : null),
      findEnded: (holds) => (this.hasTables ? findEnded(sql, org, holds) : new Map()),
      findEarlier: (key) => this.#findEarlier(org, key),
    };
  }

  /** Stores changes of many orgs, all or none, those of one kind by one statement. */
  writeAll(changes: Omit<NumberedChange, "seq">[]): void {
    const [first] = changes;
    if (!first) return;
    if (changes.length === 1) return this.#writeOne(first.org, first.change);
    let seq = this.#seq;
    const numbered = changes.map(({ org, change }) => ({ org, change, seq: isNumbered(change) ? ++seq : 0 }));
    this.#storage.transactionSync(() => {
      const { ended, rest } = foldEnded(numbered);
      if (ended.length > 0) writeEnded(this.#storage.sql, ended);
      const byKind = Map.groupBy(rest, ({ change }) => change.kind);
      for (const kind of changeKinds) {
        const some = byKind.get(kind);
        if (some) writeKind(this.#storage.sql, kind, some);
      }
    });
    for (const each of numbered) this.#count(each);
  }

  /** Usage rows of this org that wait for D1, or of all. */
  countOutbox(org?: OrgId): number {
    if (org !== undefined) return this.#outboxRows.get(org) ?? 0;
    let rows = 0;
    for (const some of this.#outboxRows.values()) rows += some;
    return rows;
  }

  /** The oldest rows of the bill after `seq`, of whichever org, that are not known to be in D1. `null`: all are. */
  readOutbox(seq: number): OutboxBatch | null {
    const select = "SELECT org, hold, end_seq, closing FROM holds WHERE end_seq > ? ORDER BY end_seq LIMIT ?";
    const ended = this.#rows(select, Math.max(seq, this.#drainedSeq), outboxRowsMax);
    const last = ended.at(-1)?.end_seq;
    if (!last) return null;
    const rows = ended.map(({ org, hold, closing }) =>
      makeUsageRow(JSON.parse(hold) as Hold, JSON.parse(closing ?? "") as Closing, org),
    );
    return { rows: rows.filter((row) => row !== null), seq: last };
  }

  /** These rows are in D1. */
  markDrained({ rows, seq }: OutboxBatch): void {
    if (seq <= this.#drainedSeq) return;
    this.#drainedSeq = seq;
    this.#storage.sql.exec("UPDATE progress SET drained = ?", seq);
    for (const { org } of rows) {
      const left = this.countOutbox(org) - 1;
      if (left > 0) this.#outboxRows.set(org, left);
      else this.#outboxRows.delete(org);
    }
  }

  /** Stores one org's snapshot. */
  saveOrg(org: OrgId, state: State): void {
    writeSnapshot(this.#storage.sql, org, this.#seq, state);
    this.#changed.delete(org);
  }

  /**
   * Stores a snapshot of every org that has changed, and forgets what ended more than a week ago and is in D1.
   */
  compact(find: (org: OrgId) => State, now: number): void {
    if (!this.hasTables || this.changes === 0) return;
    for (const org of this.#changed) this.saveOrg(org, find(org));
    this.#storage.sql.exec("UPDATE progress SET compacted = ?", this.#seq);
    this.#storage.sql.exec("DELETE FROM leases WHERE seq <= ?", this.#seq);
    this.changes = 0;
    this.#sweep(now - endedRetentionMs);
  }

  /** Forgets that rows of this org wait, or that it has changed: they are gone. */
  forget(org: OrgId): void {
    this.#changed.delete(org);
    this.#outboxRows.delete(org);
  }

  /** When the next key of any org leaves; `Infinity` when none does. */
  nextLeaveMs(): number {
    return this.hasTables ? nextLeaveMs(this.#storage.sql) : Infinity;
  }

  /** The orgs that have a key whose time to leave has come. */
  listLeaving(now: number): OrgId[] {
    return this.hasTables ? listLeaving(this.#storage.sql, now) : [];
  }

  /** Forgets what ended by then and is in D1, a thousand rows at a time. */
  #sweep(untilMs: number): void {
    const { sql } = this.#storage;
    const first = "SELECT ended_at_ms FROM holds WHERE end_seq > 0 ORDER BY end_seq LIMIT 1";
    const [oldest] = sql.exec<{ ended_at_ms: number }>(first).toArray();
    if (!oldest || oldest.ended_at_ms > untilMs) return;
    const some = "SELECT end_seq FROM holds WHERE end_seq <= ? AND ended_at_ms <= ? ORDER BY end_seq LIMIT ?";
    sql.exec(`DELETE FROM holds WHERE end_seq IN (${some})`, this.#drainedSeq, untilMs, sweptRowsMax);
  }

  #writeOne(org: OrgId, change: Change): void {
    const numbered = { org, change, seq: isNumbered(change) ? this.#seq + 1 : 0 };
    writeOne(this.#storage.sql, numbered);
    this.#count(numbered);
  }

  /** Notes a change that is stored. */
  #count({ org, change, seq }: NumberedChange): void {
    if (!isNumbered(change)) return;
    this.#seq = seq;
    this.#changed.add(org);
    this.changes++;
    if ("closing" in change && change.closing.end !== "released") this.#outboxRows.set(org, this.countOutbox(org) + 1);
  }

  #countOutbox(): void {
    const select = `SELECT org, count(*) AS rows FROM holds WHERE end_seq > ? AND "end" <> 'released' GROUP BY org`;
    for (const { org, rows } of this.#storage.sql.exec<{ org: OrgId; rows: number }>(select, this.#drainedSeq))
      this.#outboxRows.set(org, rows);
  }

  #findEarlier(org: OrgId, key: string): EarlierCall | null {
    const select = `SELECT org, hold, end_seq, closing FROM holds
      WHERE org = ? AND idempotency = ? ORDER BY seq DESC LIMIT 1`;
    const [row] = this.#rows(select, org, key);
    const hold = row && (JSON.parse(row.hold) as Hold);
    if (!hold?.idempotency) return null;
    return {
      body: hold.idempotency.body,
      admittedAtMs: hold.admittedAtMs,
      ended: row?.closing ? makeFirstCall(JSON.parse(row.closing) as Closing) : null,
    };
  }

  #rows(query: string, ...bindings: SqlStorageValue[]): HoldRow[] {
    return this.hasTables ? this.#storage.sql.exec<HoldRow>(query, ...bindings).toArray() : [];
  }
}

/** Checkpoints change a hold's row in place: they need no order among the others. */
function isNumbered({ kind }: Change): boolean {
  return kind !== "checkpointed";
}
