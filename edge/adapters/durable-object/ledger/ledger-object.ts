import { DurableObject } from "cloudflare:workers";
import { LedgerCore, nextDueMs } from "../../../ledger/core.ts";
import type { HoldRequest, Denial, Grant, LedgerState, Scopes, Settlement } from "../../../ledger/port.ts";
import type { Credential } from "../../../agreements/tokens/credential.ts";
import type { HoldId, OrgId } from "../../../agreements/tokens/ids.ts";
import type { KeyRecord } from "../../../agreements/records/key.ts";
import type { OrgRecord } from "../../../agreements/records/org.ts";
import type { UsageRecord } from "../../../agreements/records/usage.ts";
import { SqliteJournal } from "./ledger-journal.ts";
import { writeUsage } from "../../d1/usage.ts";
import { GroupCommit } from "./group-commit.ts";

/**
 * Rows of the bill go to D1 together after so long; while D1 fails, twice as long each time, up to a bound; it has so
 * long to answer.
 */
const drainMs = 1_000;
const drainRetryMsMax = 30_000;
const drainWaitMsMax = 10_000;

/**
 * The ledger of one org. Its methods await nothing between reading and writing, so no two calls see the same free
 * capacity; what they answer leaves only after the writes are on disk (the runtime's output gate). One alarm serves
 * three ends: the next deadline of a hold, the next key that leaves, and the draining of the bill into D1.
 */
export class OrgLedger extends DurableObject<{ DB: D1Database }> {
  /** Unix ms. An own property, so no caller from outside can reach it; tests set it. */
  protected clock: () => number;
  protected readonly core: LedgerCore;
  readonly #journal: SqliteJournal;
  #alarmAtMs = Infinity;
  #failures = 0;
  readonly #groupCommit: GroupCommit;

  /** The entry that the platform starts hands in its clock, Unix ms. */
  constructor(ctx: DurableObjectState, env: { DB: D1Database }, now: () => number) {
    super(ctx, env);
    this.clock = now;
    this.#groupCommit = new GroupCommit(now);
    this.#journal = new SqliteJournal(ctx.storage.sql);
    this.core = new LedgerCore(this.#journal.restore(), this.#journal);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = (await ctx.storage.getAlarm()) ?? Infinity;
      this.#wakeForAll();
    });
  }

  /**
   * See `Ledger`; so for all that follow. Calls that come at the same time are run in one block: a disk sync is most of
   * what a call costs (`GroupCommit`).
   */
  admit(request: HoldRequest): Grant | Denial | Promise<Grant | Denial> {
    return this.#groupCommit.run(() => this.#decide(request));
  }

  /** Reads, decides and writes without a pause: no two requests see the same free capacity. */
  #decide(request: HoldRequest): Grant | Denial {
    const answer = this.core.commit(this.core.evaluate(request, this.clock()));
    if (answer.kind === "grant") this.#wakeBy(answer.expiresAtMs);
    return answer;
  }

  introspect(credential: Credential): Scopes | Denial {
    return this.core.introspect(credential, this.clock());
  }

  settle(org: OrgId, records: UsageRecord[]): Settlement[] | Promise<Settlement[]> {
    return this.#groupCommit.run(() => {
      const settlements = this.core.settle(org, records, this.clock());
      this.#wakeForDrain();
      return settlements;
    });
  }

  release(hold: HoldId, mayRun: boolean): Settlement | Promise<Settlement> {
    return this.#groupCommit.run(() => {
      const settlement = this.core.release(hold, mayRun, this.clock());
      this.#wakeBy(this.core.state.holds[hold]?.expiresAtMs ?? Infinity);
      this.#wakeForDrain();
      return settlement;
    });
  }

  publish(record: OrgRecord | KeyRecord): void {
    this.core.publish(record, this.clock());
    this.#wakeBy(this.core.state.leaving[record.id] ?? Infinity);
  }

  inspect(): LedgerState | null {
    const now = this.clock();
    this.core.expire(now);
    return this.core.inspect(now, this.#journal.outboxRows);
  }

  override async alarm(): Promise<void> {
    this.#alarmAtMs = Infinity;
    this.core.expire(this.clock());
    try {
      await this.#drain();
      this.#failures = 0;
    } catch (cause) {
      this.#failures++;
      console.error(
        JSON.stringify({ event: "usage_drain_failed", rows: this.#journal.outboxRows, cause: String(cause) }),
      );
    }
    this.#journal.compact(this.core.state);
    this.#wakeForAll();
  }

  /**
   * Sends the bill to D1, oldest first. Rows are marked only after D1 has them: a crash in between sends them again,
   * and D1 knows them by id.
   */
  async #drain(): Promise<void> {
    const org = this.core.state.org?.id;
    if (!org) return;
    for (let batch = this.#journal.readOutbox(org); batch; batch = this.#journal.readOutbox(org)) {
      await writeUsage(this.env.DB, batch.rows, drainWaitMsMax);
      this.#journal.markDrained(batch.seq, batch.rows.length);
    }
  }

  /**
   * Whatever comes first: rows that wait for D1, a deadline, or a key that leaves. Calls that came while the alarm ran
   * may have set it too late for an older hold.
   */
  #wakeForAll(): void {
    this.#wakeBy(nextDueMs(this.core.state));
    this.#wakeForDrain();
  }

  #wakeForDrain(): void {
    if (this.#journal.outboxRows > 0)
      this.#wakeBy(this.clock() + Math.min(drainMs * 2 ** this.#failures, drainRetryMsMax));
  }

  /** An alarm is a write: none is set while an earlier one stands. */
  #wakeBy(atMs: number): void {
    if (atMs >= this.#alarmAtMs) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }
}
