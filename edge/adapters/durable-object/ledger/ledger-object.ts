import { DurableObject } from "cloudflare:workers";
import { Keeper } from "../../../ledger/core.ts";
import type { Ask, Denial, Grant, LedgerState, Scopes, Settlement } from "../../../ledger/port.ts";
import { nextDeadlineMs } from "../../../ledger/settle.ts";
import type { Credential } from "../../../agreements/tokens/credential.ts";
import type { HoldId, OrgId } from "../../../agreements/tokens/ids.ts";
import type { KeyRecord } from "../../../agreements/records/key.ts";
import type { OrgRecord } from "../../../agreements/records/org.ts";
import type { UsageRecord } from "../../../agreements/records/usage.ts";
import { SqliteJournal } from "./ledger-journal.ts";
import { writeUsage } from "../../d1/usage.ts";
import { Turns } from "./group-commit.ts";

/**
 * Rows of the bill go to D1 together after so long; while D1 fails, twice as long each time, up to a bound; it has so
 * long to answer.
 */
const drainMs = 1_000;
const drainRetryMsMax = 30_000;
const drainWaitMsMax = 10_000;

/**
 * The ledger of one org. Its methods await nothing between reading and writing, so no two calls see the same free
 * capacity; what they answer leaves only after the writes are on disk (the runtime's output gate). One alarm serves two
 * ends: the next deadline of a hold, and the draining of the bill into D1.
 */
export class OrgLedger extends DurableObject<{ DB: D1Database }> {
  /** Unix ms. An own property, so no caller from outside can reach it; tests set it. */
  protected clock: () => number = () => Date.now();
  protected readonly keeper: Keeper;
  readonly #journal: SqliteJournal;
  #alarmAtMs = Infinity;
  #failures = 0;
  readonly #turns = new Turns();

  constructor(ctx: DurableObjectState, env: { DB: D1Database }) {
    super(ctx, env);
    this.#journal = new SqliteJournal(ctx.storage.sql);
    this.keeper = new Keeper(this.#journal.restore(), this.#journal);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAtMs = (await ctx.storage.getAlarm()) ?? Infinity;
      this.#wakeForAll();
    });
  }

  /**
   * See `Ledger`; so for all that follow. Calls that come at the same time are run in one block: a disk sync is most of
   * what a call costs (`GroupCommit`).
   */
  admit(ask: Ask): Grant | Denial | Promise<Grant | Denial> {
    return this.#turns.take(() => this.#decide(ask));
  }

  /** Reads, decides and writes without a pause: no two requests see the same free capacity. */
  #decide(ask: Ask): Grant | Denial {
    const answer = this.keeper.keep(this.keeper.weigh(ask, this.clock()));
    if (answer.kind === "grant") this.#wakeBy(answer.expiresAtMs);
    return answer;
  }

  look(credential: Credential): Scopes | Denial {
    return this.keeper.look(credential, this.clock());
  }

  settle(org: OrgId, records: UsageRecord[]): Settlement[] | Promise<Settlement[]> {
    return this.#turns.take(() => {
      const settlements = this.keeper.settle(org, records, this.clock());
      this.#wakeForDrain();
      return settlements;
    });
  }

  release(hold: HoldId, mayRun: boolean): Settlement | Promise<Settlement> {
    return this.#turns.take(() => {
      const settlement = this.keeper.release(hold, mayRun, this.clock());
      this.#wakeBy(this.keeper.state.holds[hold]?.expiresAtMs ?? Infinity);
      this.#wakeForDrain();
      return settlement;
    });
  }

  publish(record: OrgRecord | KeyRecord): void {
    this.keeper.publish(record);
  }

  inspect(): LedgerState | null {
    const now = this.clock();
    this.keeper.expire(now);
    return this.keeper.inspect(now, this.#journal.outboxRows);
  }

  override async alarm(): Promise<void> {
    this.#alarmAtMs = Infinity;
    this.keeper.expire(this.clock());
    try {
      await this.#drain();
      this.#failures = 0;
    } catch (cause) {
      this.#failures++;
      console.error(
        JSON.stringify({ event: "usage_drain_failed", rows: this.#journal.outboxRows, cause: String(cause) }),
      );
    }
    this.#journal.compact(this.keeper.state);
    this.#wakeForAll();
  }

  /**
   * Sends the bill to D1, oldest first. Rows are marked only after D1 has them: a crash in between sends them again,
   * and D1 knows them by id.
   */
  async #drain(): Promise<void> {
    const org = this.keeper.state.org?.id;
    if (!org) return;
    for (let batch = this.#journal.outbox(org); batch; batch = this.#journal.outbox(org)) {
      await writeUsage(this.env.DB, batch.rows, drainWaitMsMax);
      this.#journal.markDrained(batch.seq, batch.rows.length);
    }
  }

  /**
   * Whatever comes first: rows that wait for D1, or a deadline. Calls that came while the alarm ran may have set it too
   * late for an older hold.
   */
  #wakeForAll(): void {
    this.#wakeBy(nextDeadlineMs(this.keeper.state));
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
