import { usageBatchMax, usageBatchMs } from "#edge/limits.ts";
import type { HoldId } from "#edge/agreements/tokens/ids.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { readCause } from "../log.ts";
import { deliver, type DeliveryOptions } from "./delivery.ts";
import type { UsageLog } from "./usage-log.ts";

/** Delivers usage records to the edge, at least once. */
export interface UsageSender {
  /**
   * Durable when it returns (see usage-log.ts), delivered within 100 ms, at once where it `isUrgent`, or whenever the
   * edge can be reached. If the disk refuses, the record stays in memory and is sent all the same; `isDurable` is false
   * until it has arrived, and no new call may begin until then.
   */
  keep(record: UsageRecord, isUrgent?: boolean): void;
  readonly isDurable: boolean;
  /** How far a call is. Kept in memory only, the newest of each hold, and dropped once the hold is settled. */
  checkpoint(record: UsageRecord): void;
  /** Tries to deliver what is left, for `msMax`; the rest stays in the log for the next start. */
  flush(msMax: number): Promise<void>;
  readonly backlogBytes: number;
  close(): void;
}

/** What the sender needs besides its log. */
export interface SenderOptions extends DeliveryOptions {
  /** Where records wait whose org's ledger was out of reach while others were not. */
  delayedLog: UsageLog;
  /** From 0 to 1: spreads out what tries again. */
  random: () => number;
}

const backOffMsMax = 30_000;
/**
 * Opens the sender on a log; what the last run left unacknowledged goes out first. Records that the edge could not take
 * because their org's ledger was out of reach move to a queue of their own, so that they hold up no other org.
 */
export function openUsageSender(usageLog: UsageLog, options: SenderOptions): UsageSender {
  const { delayedLog } = options;
  const postpone: QueueRules["postpone"] = (record, isLogged) =>
    isLogged ? delayed.putBack(record) : delayed.putBackCheckpoint(record);
  const delayed: UsageQueue = new UsageQueue(delayedLog, options, { postpone, mayKeepBatch: false });
  const main = new UsageQueue(usageLog, options, { postpone, mayKeepBatch: true });
  return {
    keep: (record, isUrgent = false) => main.keep(record, isUrgent),
    checkpoint: (record) => main.checkpoint(record),
    async flush(msMax) {
      const untilMs = performance.now() + msMax;
      await main.flush(msMax);
      await delayed.flush(untilMs - performance.now());
    },
    close() {
      main.close();
      delayed.close();
    },
    get isDurable() {
      return main.isDurable && delayed.isDurable;
    },
    get backlogBytes() {
      return main.backlogBytes + delayed.backlogBytes;
    },
  };
}

/** What a queue does with records that the edge could not take. */
interface QueueRules {
  /**
   * Puts such a record into the queue where it waits: into its log where `isLogged`, which throws when the disk
   * refuses, else into memory.
   */
  postpone(record: UsageRecord, isLogged: boolean): void;
  /** When the ledgers of all orgs are out of reach, the queue keeps its batch and tries again later. */
  mayKeepBatch: boolean;
}

/** One log and what is in memory beside it, sent in order. */
class UsageQueue {
  #log: UsageLog;
  #options: SenderOptions;
  #rules: QueueRules;
  #checkpoints = new Map<HoldId, UsageRecord>();
  /** Records that the disk refused. */
  #unpersisted: UsageRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = 0;
  #failures = 0;
  #running: Promise<void> | null = null;
  #isClosed = false;
  #unsent = 0;
  /** One of the unsent must not wait for others. */
  #isUrgent = false;

  constructor(usageLog: UsageLog, options: SenderOptions, rules: QueueRules) {
    this.#log = usageLog;
    this.#options = options;
    this.#rules = rules;
    if (usageLog.backlogBytes > 0) this.#wake(0);
  }

  keep(record: UsageRecord, isUrgent: boolean): void {
    this.#checkpoints.delete(record.hold);
    try {
      this.#log.append(record);
    } catch (error) {
      this.#options.log("usage_log_failed", { hold: record.hold, cause: readCause(error) });
      this.#unpersisted.push(record);
    }
    this.#unsent++;
    this.#isUrgent ||= isUrgent;
    if (this.#failures === 0) this.#wake(this.#gatherMs);
  }

  /** How long the unsent records wait for others. */
  get #gatherMs(): number {
    return this.#isUrgent || this.#unsent >= usageBatchMax ? 0 : usageBatchMs;
  }

  checkpoint(record: UsageRecord): void {
    this.#checkpoints.set(record.hold, record);
    if (this.#failures === 0) this.#wake(usageBatchMs);
  }

  async flush(msMax: number): Promise<void> {
    const untilMs = performance.now() + msMax;
    while (this.#hasWork && performance.now() < untilMs) {
      await Promise.race([this.#run(), pause(untilMs - performance.now())]);
      if (this.#failures > 0) await pause(Math.min(100, untilMs - performance.now()));
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#log.close();
  }

  get isDurable(): boolean {
    return this.#unpersisted.length === 0;
  }

  get backlogBytes(): number {
    return this.#log.backlogBytes;
  }

  get #hasWork(): boolean {
    return this.#log.backlogBytes > 0 || this.#checkpoints.size + this.#unpersisted.length > 0;
  }

  #wake(ms: number): void {
    const atMs = performance.now() + ms;
    if (this.#isClosed || this.#running || (this.#timer && this.#timerAtMs <= atMs)) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => void this.#run(), ms);
  }

  /** Sends until nothing is left or the edge is out of reach; one run at a time. */
  #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#sendAll()
      .catch((error: unknown) => {
        this.#failures++;
        this.#options.log("usage_round_failed", { cause: readCause(error) });
      })
      .finally(() => {
        this.#running = null;
        if (this.#failures > 0) this.#wake(backOffMs(this.#failures, this.#options.random));
        else if (this.#checkpoints.size > 0 || this.#unsent > 0) this.#wake(this.#gatherMs);
      });
    return this.#running;
  }

  async #sendAll(): Promise<void> {
    let isMore = true;
    while (isMore) isMore = await this.#sendBatch();
  }

  /**
   * Sends one batch: records of the log first, then those the disk refused, then checkpoints. Resolves with true when
   * there is more to send at once.
   */
  async #sendBatch(): Promise<boolean> {
    if (this.#isClosed) return false;
    const backlogBytes = this.#log.backlogBytes;
    const { records, mark } = this.#log.peek(usageBatchMax);
    this.#unsent = 0;
    this.#isUrgent = false;
    const unpersisted = this.#unpersisted.slice(0, usageBatchMax - records.length);
    const checkpoints = Array.from(this.#checkpoints.values()).slice(
      0,
      usageBatchMax - records.length - unpersisted.length,
    );
    for (const { hold } of checkpoints) this.#checkpoints.delete(hold);
    const batch = [...records, ...unpersisted, ...checkpoints];
    const delivery = batch.length === 0 ? [] : await deliver(batch, this.#options, this.#log);
    if (this.#isClosed) return false;
    if (delivery === "later" || (this.#rules.mayKeepBatch && isOutage(batch, delivery))) {
      this.#failures++;
      for (const record of checkpoints) this.#restoreCheckpoint(record);
      return false;
    }
    // Before the batch is acknowledged: a crash in between sends the record twice, which is harmless.
    if (!this.#postponeAll(delivery, checkpoints)) return false;
    const isStuck = !this.#rules.mayKeepBatch && delivery.length > 0 && delivery.length === batch.length;
    this.#failures = isStuck ? this.#failures + 1 : 0;
    this.#unpersisted = this.#unpersisted.slice(unpersisted.length);
    if (backlogBytes > 0) this.#log.acknowledge(mark);
    const hasProgress = records.length > 0 || this.#log.backlogBytes < backlogBytes;
    return !isStuck && (this.#unpersisted.length > 0 || (this.#log.backlogBytes > 0 && hasProgress));
  }

  /**
   * False when the disk refuses one of them: then the batch stays where it is, because a record that only memory holds
   * must not be acknowledged.
   */
  #postponeAll(records: UsageRecord[], checkpoints: UsageRecord[]): boolean {
    const unlogged = new Set(checkpoints);
    try {
      for (const record of records) this.#rules.postpone(record, !unlogged.has(record));
      return true;
    } catch (error) {
      this.#options.log("usage_log_failed", { hold: null, cause: readCause(error) });
      this.#failures++;
      for (const record of checkpoints) this.#restoreCheckpoint(record);
      return false;
    }
  }

  /** Takes a record that must wait, at the end of this queue. Throws when the disk refuses it. */
  putBack(record: UsageRecord): void {
    this.#log.append(record);
    this.#unsent++;
    if (this.#failures === 0) this.#wake(usageBatchMs);
  }

  /** Takes a checkpoint that must wait, unless there is a newer one. */
  putBackCheckpoint(record: UsageRecord): void {
    if (!this.#checkpoints.has(record.hold)) this.checkpoint(record);
  }

  /** A newer checkpoint of the same hold may have come while the batch was on its way: it stays. */
  #restoreCheckpoint(record: UsageRecord): void {
    if (!this.#checkpoints.has(record.hold)) this.#checkpoints.set(record.hold, record);
  }
}

/**
 * True when no ledger of several orgs was in reach. Then nobody holds up anybody, and the queue waits as a whole. With
 * one org in the batch this cannot be known.
 */
function isOutage(batch: UsageRecord[], unacknowledged: UsageRecord[]): boolean {
  const isWhole = unacknowledged.length > 0 && unacknowledged.length === batch.length;
  return isWhole && new Set(unacknowledged.map(({ org }) => org)).size > 1;
}

/** Doubles from 0.2 s to 30 s, with up to half of it random, so that nodes do not return all at once. */
function backOffMs(failures: number, random: () => number): number {
  const ms = Math.min(backOffMsMax, 100 * 2 ** Math.min(failures, 10));
  return ms * (0.5 + random() / 2);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}
