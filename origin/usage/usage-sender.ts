import { nodePaths } from "#edge/agreements/paths.ts";
import { usageBatchMax, usageBatchMs } from "#edge/limits.ts";
import type { HoldId } from "#edge/agreements/tokens/ids.ts";
import { UnacknowledgedAnswer, type UsageBatch, type UsageRecord } from "#edge/agreements/records/usage.ts";
import { readCause, type Log } from "../log.ts";
import { postSigned, type EdgeConnection } from "../report/sign.ts";
import type { UsageLog } from "./usage-log.ts";

/** Delivers usage records to the edge, at least once. */
export interface UsageSender {
  /**
   * Durable when it returns (see usage-log.ts), delivered within 100 ms or whenever the edge can be reached. If the
   * disk refuses, the record stays in memory and is sent all the same; `isDurable` is false until it has arrived, and
   * no new call may begin until then.
   */
  keep(record: UsageRecord): void;
  readonly isDurable: boolean;
  /** How far a call is. Kept in memory only, the newest of each hold, and dropped once the hold is settled. */
  checkpoint(record: UsageRecord): void;
  /** Tries to deliver what is left, for `msMax`; the rest stays in the log for the next start. */
  flush(msMax: number): Promise<void>;
  readonly backlogBytes: number;
  close(): void;
}

/** What the sender needs besides its log. */
export interface SenderOptions extends EdgeConnection {
  /** Where records wait whose org's ledger was out of reach while others were not. */
  delayedLog: UsageLog;
  node: string;
  log: Log;
  /** From 0 to 1: spreads out what tries again. */
  random: () => number;
}

/**
 * What became of a batch: `later` when nothing is known, so all of it is sent again; else the records that the edge
 * could not take, all others being with it.
 */
type Delivery = "later" | UsageRecord[];

const postMsMax = 10_000;
const backOffMsMax = 30_000;
/**
 * The edge read the batch and will never take it. Any other status but 2xx may change, so the batch is sent again until
 * it does.
 */
const refusedStatuses = new Set([400, 413, 415, 422]);

/**
 * Opens the sender on a log; what the last run left unacknowledged goes out first. Records that the edge could not take
 * because their org's ledger was out of reach move to a queue of their own, so that they hold up no other org.
 */
export function openUsageSender(usageLog: UsageLog, options: SenderOptions): UsageSender {
  const { delayedLog } = options;
  const postpone = (record: UsageRecord): void => delayed.putBack(record);
  const delayed: UsageQueue = new UsageQueue(delayedLog, options, { postpone, mayKeepBatch: false });
  const main = new UsageQueue(usageLog, options, { postpone, mayKeepBatch: true });
  return {
    keep: (record) => main.keep(record),
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
  /** Puts such a record into the queue where it waits. */
  postpone(record: UsageRecord): void;
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

  constructor(usageLog: UsageLog, options: SenderOptions, rules: QueueRules) {
    this.#log = usageLog;
    this.#options = options;
    this.#rules = rules;
    if (usageLog.backlogBytes > 0) this.#wake(0);
  }

  keep(record: UsageRecord): void {
    this.#checkpoints.delete(record.hold);
    try {
      this.#log.append(record);
    } catch (error) {
      this.#options.log("usage_log_failed", { hold: record.hold, cause: readCause(error) });
      this.#unpersisted.push(record);
    }
    this.#unsent++;
    if (this.#failures === 0) this.#wake(this.#unsent >= usageBatchMax ? 0 : usageBatchMs);
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
        else if (this.#checkpoints.size > 0 || this.#unsent > 0)
          this.#wake(this.#unsent >= usageBatchMax ? 0 : usageBatchMs);
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
    const unpersisted = this.#unpersisted.slice(0, usageBatchMax - records.length);
    const checkpoints = Array.from(this.#checkpoints.values()).slice(
      0,
      usageBatchMax - records.length - unpersisted.length,
    );
    for (const { hold } of checkpoints) this.#checkpoints.delete(hold);
    const batch = [...records, ...unpersisted, ...checkpoints];
    const delivery = batch.length === 0 ? [] : await deliver(batch, this.#options, this.#log);
    if (delivery === "later" || (this.#rules.mayKeepBatch && isOutage(batch, delivery))) {
      this.#failures++;
      for (const record of checkpoints) this.#restoreCheckpoint(record);
      return false;
    }
    const isStuck = !this.#rules.mayKeepBatch && delivery.length > 0 && delivery.length === batch.length;
    this.#failures = isStuck ? this.#failures + 1 : 0;
    this.#unpersisted = this.#unpersisted.slice(unpersisted.length);
    // Before the batch is acknowledged: a crash in between sends the record twice, which is harmless.
    for (const record of delivery) this.#rules.postpone(record);
    if (backlogBytes > 0 && !this.#isClosed) this.#log.acknowledge(mark);
    const hasProgress = records.length > 0 || this.#log.backlogBytes < backlogBytes;
    return !isStuck && (this.#unpersisted.length > 0 || (this.#log.backlogBytes > 0 && hasProgress));
  }

  /** Takes a record that must wait, at the end of this queue. */
  putBack(record: UsageRecord): void {
    if (record.isFinal) this.keep(record);
    else if (!this.#checkpoints.has(record.hold)) this.checkpoint(record);
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

/**
 * Sends one batch. When the edge refuses it, sends its halves, so that one bad record is found and set aside while the
 * others go through.
 */
async function deliver(records: UsageRecord[], options: SenderOptions, usageLog: UsageLog): Promise<Delivery> {
  const delivery = await post(records, options);
  if (delivery !== "refused") return delivery;
  if (records.length === 1) {
    options.log("usage_record_refused", { hold: records[0]?.hold ?? null });
    usageLog.setAside(records);
    return [];
  }
  const half = Math.ceil(records.length / 2);
  const first = await deliver(records.slice(0, half), options, usageLog);
  if (first === "later") return "later";
  const second = await deliver(records.slice(half), options, usageLog);
  return second === "later" ? "later" : [...first, ...second];
}

async function post(records: UsageRecord[], options: SenderOptions): Promise<Delivery | "refused"> {
  const body = JSON.stringify({ node: options.node, records } satisfies UsageBatch);
  const { status, cause, json } = await postSigned(options, nodePaths.usage, body, postMsMax);
  if (cause === null && isReceipt(json, records.length)) {
    // Refused for good: the edge's log says which. Sent again they would be refused again.
    if ("refused" in json) options.log("usage_refused", { records: json["refused"] ?? 0 });
    return [];
  }
  const unacknowledged = selectUnacknowledged(json, records);
  options.log("usage_unacknowledged", {
    cause: cause ?? "no receipt",
    records: unacknowledged?.length ?? records.length,
  });
  if (unacknowledged) return unacknowledged;
  return status !== null && refusedStatuses.has(status) ? "refused" : "later";
}

/** The records that the edge's answer names as not taken; null when it names none of these. */
function selectUnacknowledged(body: unknown, records: UsageRecord[]): UsageRecord[] | null {
  const holds = new Set(UnacknowledgedAnswer.safeParse(body).data?.error.unacknowledged);
  const unacknowledged = records.filter(({ hold }) => holds.has(hold));
  return unacknowledged.length > 0 ? unacknowledged : null;
}

/**
 * True for the edge's answer to a batch it has taken: how many records came to what, adding up to the whole batch. A
 * 200 from anything else on the way, such as a login page, is no receipt.
 */
function isReceipt(body: unknown, records: number): body is Record<string, number> {
  const counts: unknown[] = typeof body === "object" && body !== null ? Object.values(body) : [];
  return counts.reduce((sum: number, count) => sum + (typeof count === "number" ? count : Number.NaN), 0) === records;
}

/** Doubles from 0.2 s to 30 s, with up to half of it random, so that nodes do not return all at once. */
function backOffMs(failures: number, random: () => number): number {
  const ms = Math.min(backOffMsMax, 100 * 2 ** Math.min(failures, 10));
  return ms * (0.5 + random() / 2);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}
