import { DurableObject } from "cloudflare:workers";
import type { LedgerCore } from "../../../ledger/core.ts";
import type {
  Denial,
  Grant,
  HoldRequest,
  LeaseClosing,
  LeaseGrant,
  LeaseRequest,
  LedgerState,
  OrgRecords,
  PublishedRecord,
  Scopes,
  Settlement,
} from "../../../ledger/port.ts";
import type { Credential } from "../../../agreements/tokens/credential.ts";
import type { HoldId, OrgId } from "../../../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../../../agreements/tokens/lease.ts";
import { findHome } from "../../../ledger/publish.ts";
import { drainOutbox } from "./ledger-outbox.ts";
import { settleBatches, type Moved, type OrgSettlement } from "./ledger-batch.ts";
import { LedgerCores } from "./ledger-cores.ts";
import { SqliteJournal } from "./journal/ledger-journal.ts";
import { OrgMoves, type Arrival, type OrgRows } from "./moves/org-moves.ts";
import { GroupCommit } from "./group-commit.ts";
import { WaitingAsks } from "../../waiting-asks.ts";

/**
 * Rows of the bill go to D1 together after so long; while D1 fails, twice as long each time, up to a bound.
 */
const drainMs = 1_000;
const drainRetryMsMax = 30_000;
/** Snapshots are written after so many changes, or when the last are so old. */
const changesMax = 1_000;
const snapshotMs = 600_000;

/**
 * The ledgers of one org or, in a shard, of many (docs/decisions/0016); neighbours share the journal and nothing else.
 * Its methods await nothing between reading and writing, so no two calls see the same free capacity; what they answer
 * leaves only after the writes are on disk (the runtime's output gate). One alarm serves three ends for all: the next
 * deadline of a hold, the next key that leaves, and the draining of the bill into D1. What is asked of an org that has
 * moved is answered with `Moved`; while it moves, it throws.
 */
export class OrgLedger extends DurableObject<{ DB: D1Database }> {
  /** Unix ms. An own property, so no caller from outside can reach it; tests set it. */
  protected clock: () => number;
  /** How it waits for leases to end. */
  protected sleep = (ms: number) => new Promise<void>((done) => void setTimeout(done, ms));
  protected readonly cores: LedgerCores;
  readonly #journal: SqliteJournal;
  readonly #moves: OrgMoves;
  #alarmAtMs = Infinity;
  #compactedAtMs = -Infinity;
  #failures = 0;
  readonly #groupCommit: GroupCommit;
  readonly #waiting: WaitingAsks;

  /** The entry that the platform starts hands in its clock, Unix ms. */
  constructor(ctx: DurableObjectState, env: { DB: D1Database }, now: () => number) {
    super(ctx, env);
    this.clock = now;
    this.#groupCommit = new GroupCommit(now);
    this.#journal = new SqliteJournal(ctx.storage);
    this.#moves = new OrgMoves(ctx.storage, this.#journal);
    this.cores = new LedgerCores(this.#journal, (org) => this.#moves.isServed(org));
    this.#waiting = new WaitingAsks({
      now: () => this.clock(),
      find: (org) => this.cores.find(org),
      onServed: (core) => this.#wakeBy(core.quietUntilMs),
    });
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = (await ctx.storage.getAlarm()) ?? Infinity;
      this.#wakeForAll();
    });
  }

  /**
   * See `Ledger`; so for all that follow. Calls that come at the same time are run in one block: a disk sync is most of
   * what a call costs (`GroupCommit`).
   */
  admit(request: HoldRequest): Grant | Denial | Moved | Promise<Grant | Denial | Moved> {
    return this.#groupCommit.run(() => this.#serve(request.org, (core) => this.#decide(core, request)));
  }

  /** Reads, decides and writes without a pause: no two requests see the same free capacity. */
  #decide(core: LedgerCore, request: HoldRequest): Grant | Denial | Promise<Grant | Denial> {
    const answer = this.#waiting.admit(core, request);
    this.#wakeBy(core.quietUntilMs);
    return answer;
  }

  /** In the same order as `admit`: no ask is cancelled before it has come. */
  cancelWait(org: OrgId, hold: HoldId): undefined | Promise<undefined> {
    return this.#groupCommit.run(() => {
      this.#waiting.cancel(org, hold);
      return undefined;
    });
  }

  introspect(credential: Credential): Scopes | Denial | Moved {
    return this.#serve(credential.org, (core) => core.introspect(credential, this.clock()));
  }

  /** As `settleAll` of a `Ledger`: each org by itself. */
  settle(batches: OrgRecords[]): OrgSettlement[] | Promise<OrgSettlement[]> {
    return this.#groupCommit.run(() => {
      const find = (org: OrgId) => this.#moves.check(org) ?? this.cores.find(org);
      const settlements = settleBatches(batches, { journal: this.#journal, find }, this.clock());
      // Of a call under a lease the first word may be that it runs: its deadline is news.
      for (const { org } of batches) {
        if (!this.#moves.isServed(org)) continue;
        this.#wakeBy(this.cores.find(org).quietUntilMs);
        this.#waiting.serve(org);
      }
      this.#wakeForDrain();
      return settlements;
    });
  }

  release(
    org: OrgId,
    hold: HoldId,
    mayRun: boolean,
    leased: LeasedTerms | null = null,
  ): Settlement | Moved | Promise<Settlement | Moved> {
    return this.#groupCommit.run(() =>
      this.#serve(org, (core) => {
        const settlement = core.release(hold, { mayRun, leased }, this.clock());
        this.#waiting.serve(org);
        this.#wakeBy(core.quietUntilMs);
        this.#wakeForDrain();
        return settlement;
      }),
    );
  }

  lease(credential: Credential, request: LeaseRequest): LeaseGrant | Moved | null | Promise<LeaseGrant | Moved | null> {
    return this.#groupCommit.run(() =>
      this.#serve(credential.org, (core) => {
        const lease = core.lease(credential, request, this.clock());
        this.#wakeBy(core.quietUntilMs);
        return lease;
      }),
    );
  }

  closeLease(org: OrgId, closing: LeaseClosing): Moved | undefined | Promise<Moved | undefined> {
    return this.#groupCommit.run(() =>
      this.#serve(org, (core) => {
        core.closeLease(closing, this.clock());
        this.#waiting.serve(org);
        return undefined;
      }),
    );
  }

  /** The record is in force at once, and answered when no lease that knew the one before can be spent any more. */
  async publish(record: PublishedRecord): Promise<Moved | undefined> {
    const org = findHome(record);
    let leasedForMs = 0;
    const answer = this.#serve(org, (core) => {
      leasedForMs = core.leasedForMs(record, this.clock());
      core.publish(record, this.clock());
      this.cores.keep(org, core);
      this.#waiting.serve(org);
      this.#wakeBy(core.state.leaving[record.id] ?? Infinity);
      return undefined;
    });
    if (leasedForMs > 0) await this.sleep(leasedForMs);
    return answer;
  }

  inspect(org: OrgId): LedgerState | Moved | null {
    return this.#serve(org, (core) => {
      const now = this.clock();
      core.expire(now);
      return core.inspect(now, this.#journal.countOutbox(org));
    });
  }

  /** See `OrgMoves`; so for all of a move. */
  beginArrival(org: OrgId): Arrival {
    return this.#moves.beginArrival(org);
  }

  freeze(org: OrgId): void {
    this.#moves.freeze(org, this.cores);
    this.#waiting.drop(org);
  }

  list(org: OrgId, seq: number): OrgRows | Moved {
    return this.#moves.list(org, seq);
  }

  takeRows(org: OrgId, rows: OrgRows): void {
    this.#moves.takeRows(org, rows, this.cores);
    this.#wakeForAll();
  }

  forward(org: OrgId): void {
    this.#moves.forward(org, this.cores, this.clock());
  }

  erase(org: OrgId): void {
    this.#moves.erase(org, this.cores, this.clock());
  }

  override async alarm(): Promise<void> {
    this.#alarmAtMs = Infinity;
    const now = this.clock();
    this.cores.expire(now, (org, cause) => logFailure("ledger_expiry_failed", { org, cause: String(cause) }));
    this.#waiting.serveAll();
    try {
      await drainOutbox(this.env.DB, this.#journal);
      this.#failures = 0;
    } catch (cause) {
      this.#failures++;
      logFailure("usage_drain_failed", { rows: this.#journal.countOutbox(), cause: String(cause) });
    }
    if (this.#journal.changes >= changesMax || Math.abs(now - this.#compactedAtMs) >= snapshotMs) {
      this.cores.compact(now);
      this.#compactedAtMs = now;
    }
    this.#wakeForAll();
  }

  #serve<T>(org: OrgId, work: (core: LedgerCore) => T): T | Moved {
    return this.#moves.check(org) ?? work(this.cores.find(org));
  }

  /**
   * Whatever comes first: rows that wait for D1, a deadline, or a key that leaves. Calls that came while the alarm ran
   * may have set it too late for an older hold.
   */
  #wakeForAll(): void {
    this.#wakeBy(this.cores.nextDueMs());
    this.#wakeForDrain();
  }

  #wakeForDrain(): void {
    if (this.#journal.countOutbox() > 0)
      this.#wakeBy(this.clock() + Math.min(drainMs * 2 ** this.#failures, drainRetryMsMax));
  }

  /** An alarm is a write: none is set while an earlier one stands. */
  #wakeBy(atMs: number): void {
    if (atMs >= this.#alarmAtMs) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }
}

function logFailure(event: string, fields: Record<string, unknown>): void {
  console.error(JSON.stringify({ event, ...fields }));
}
