import { usageBatchMax, usageBatchMs } from "#edge/limits.ts";
import type { HoldId } from "#edge/agreements/tokens/ids.ts";
import { UntakenAnswer, type UsageBatch, type UsageRecord } from "#edge/agreements/records/usage.ts";
import { causeOf, type Log } from "../log.ts";
import { postSigned, type ToEdge } from "../report/sign.ts";
import type { UsageLog } from "./usage-log.ts";

/** Takes usage to the edge, at least once. */
export interface UsageSender {
  /**
   * Durable when it returns (see usage-log.ts), delivered within 100 ms or whenever the edge can be reached. If the
   * disk refuses, the record stays in memory, is sent all the same, and `isDurable` is false until it has arrived: no
   * new call may begin then.
   */
  keep(record: UsageRecord): void;
  readonly isDurable: boolean;
  /** How far a call is. Only the newest word of each hold is kept, in memory, and none once it is settled. */
  checkpoint(record: UsageRecord): void;
  /** Tries to deliver what is left, for `msMax`; the rest stays in the log for the next start. */
  flush(msMax: number): Promise<void>;
  readonly backlogBytes: number;
  close(): void;
}

export interface SenderOptions extends ToEdge {
  /** Where records wait whose org's ledger was out of reach while others were not. */
  untakenLog: UsageLog;
  node: string;
  log: Log;
  random?: () => number;
}

/** What became of a batch: nothing is known, so all of it comes again; or all was taken but these records. */
type Delivery = "later" | UsageRecord[];

const postMsMax = 10_000;
const backOffMsMax = 30_000;
/**
 * The edge read the batch and will never take it. Every other status but 2xx may change, so it is tried again for ever.
 */
const refusedStatuses = new Set([400, 413, 415, 422]);

/**
 * Opens the sender on a log; what the last run left unacknowledged goes out first. Records that the edge names as
 * untaken move to a queue of their own, so that an org whose ledger is out of reach holds up no other.
 */
export function openUsageSender(usageLog: UsageLog, options: SenderOptions): UsageSender {
  return new Sender(usageLog, options, new Sender(options.untakenLog, options, null));
}

class Sender implements UsageSender {
  #log: UsageLog;
  #options: SenderOptions;
  /** The queue of the untaken; null for that queue itself, which puts them at its own end. */
  #untaken: Sender | null;
  #checkpoints = new Map<HoldId, UsageRecord>();
  /** Records that the disk refused. */
  #unkept: UsageRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = 0;
  #failures = 0;
  #running: Promise<void> | null = null;
  #isClosed = false;
  #unsent = 0;

  constructor(usageLog: UsageLog, options: SenderOptions, untaken: Sender | null) {
    this.#log = usageLog;
    this.#options = options;
    this.#untaken = untaken;
    if (usageLog.backlogBytes > 0) this.#wake(0);
  }

  keep(record: UsageRecord): void {
    this.#checkpoints.delete(record.hold);
    try {
      this.#log.append(record);
    } catch (error) {
      this.#options.log("usage_log_failed", { hold: record.hold, cause: causeOf(error) });
      this.#unkept.push(record);
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
    await this.#untaken?.flush(untilMs - performance.now());
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#log.close();
    this.#untaken?.close();
  }

  get isDurable(): boolean {
    return this.#unkept.length === 0 && (this.#untaken?.isDurable ?? true);
  }

  get backlogBytes(): number {
    return this.#log.backlogBytes + (this.#untaken?.backlogBytes ?? 0);
  }

  get #hasWork(): boolean {
    return this.#log.backlogBytes > 0 || this.#checkpoints.size + this.#unkept.length > 0;
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
        this.#options.log("usage_round_failed", { cause: causeOf(error) });
      })
      .finally(() => {
        this.#running = null;
        if (this.#failures > 0) this.#wake(backOffMs(this.#failures, this.#options.random ?? Math.random));
        else if (this.#checkpoints.size > 0 || this.#unsent > 0)
          this.#wake(this.#unsent >= usageBatchMax ? 0 : usageBatchMs);
      });
    return this.#running;
  }

  async #sendAll(): Promise<void> {
    let isMore = true;
    while (isMore) isMore = await this.#sendSome();
  }

  /**
   * One batch: records of the log first, then what the disk refused, then checkpoints. True when there is more to send
   * at once.
   */
  async #sendSome(): Promise<boolean> {
    if (this.#isClosed) return false;
    const backlogBytes = this.#log.backlogBytes;
    const { records, mark } = this.#log.peek(usageBatchMax);
    this.#unsent = 0;
    const orphans = this.#unkept.slice(0, usageBatchMax - records.length);
    const notes = Array.from(this.#checkpoints.values()).slice(0, usageBatchMax - records.length - orphans.length);
    for (const note of notes) this.#checkpoints.delete(note.hold);
    const batch = [...records, ...orphans, ...notes];
    const left = batch.length === 0 ? [] : await deliver(batch, this.#options, this.#log);
    if (left === "later" || (this.#untaken && isOutage(batch, left))) {
      this.#failures++;
      for (const note of notes) if (!this.#checkpoints.has(note.hold)) this.#checkpoints.set(note.hold, note);
      return false;
    }
    const isStuck = !this.#untaken && left.length > 0 && left.length === batch.length;
    this.#failures = isStuck ? this.#failures + 1 : 0;
    this.#unkept = this.#unkept.slice(orphans.length);
    for (const record of left) this.#putOff(record);
    if (backlogBytes > 0 && !this.#isClosed) this.#log.acknowledge(mark);
    const hasProgress = records.length > 0 || this.#log.backlogBytes < backlogBytes;
    return !isStuck && (this.#unkept.length > 0 || (this.#log.backlogBytes > 0 && hasProgress));
  }

  /** Before the batch is acknowledged: a crash in between sends the record twice, which is harmless. */
  #putOff(record: UsageRecord): void {
    const queue = this.#untaken ?? this;
    if (record.isFinal) queue.keep(record);
    else if (!queue.#checkpoints.has(record.hold)) queue.checkpoint(record);
  }
}

/**
 * Nobody's ledger was in reach: then nobody is held up by another, and the sender waits. Of one org alone that cannot
 * be told.
 */
function isOutage(batch: UsageRecord[], left: UsageRecord[]): boolean {
  return left.length > 0 && left.length === batch.length && new Set(left.map(({ org }) => org)).size > 1;
}

/**
 * One batch; when the edge refuses it, its halves, so that one bad record is found and set aside and the others go
 * through.
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
  const second = first === "later" ? first : await deliver(records.slice(half), options, usageLog);
  return first === "later" || second === "later" ? "later" : [...first, ...second];
}

async function post(records: UsageRecord[], options: SenderOptions): Promise<Delivery | "refused"> {
  const body = JSON.stringify({ node: options.node, records } satisfies UsageBatch);
  const { status, cause, said } = await postSigned(options, "/origin/usage", body, postMsMax);
  if (cause === null && isReceipt(said, records.length)) return [];
  const left = untakenOf(said, records);
  options.log("usage_not_taken", { cause: cause ?? "no receipt", records: left?.length ?? records.length });
  if (left) return left;
  return status !== null && refusedStatuses.has(status) ? "refused" : "later";
}

/** The records that a refusal names; null when it names none of these. */
function untakenOf(said: unknown, records: UsageRecord[]): UsageRecord[] | null {
  const told = UntakenAnswer.safeParse(said);
  const untaken = new Set(told.data?.error.untaken);
  const left = records.filter(({ hold }) => untaken.has(hold));
  return left.length > 0 ? left : null;
}

/**
 * What the edge says to a batch it has taken: how many records came to what. A 200 from anything else on the way, a
 * login page say, is no receipt.
 */
function isReceipt(counts: unknown, records: number): boolean {
  const said: unknown[] = typeof counts === "object" && counts !== null ? Object.values(counts) : [];
  return said.reduce((sum: number, count) => sum + (typeof count === "number" ? count : Number.NaN), 0) === records;
}

/** Doubles from 0.2 s to 30 s, with up to half of it random, so that nodes do not return all at once. */
function backOffMs(failures: number, random: () => number): number {
  const ms = Math.min(backOffMsMax, 100 * 2 ** Math.min(failures, 10));
  return ms * (0.5 + random() / 2);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}
