import { usageBatchMax, usageBatchMs } from "#edge/limits.ts";
import type { HoldId } from "#edge/agreements/ids.ts";
import type { UsageBatch, UsageRecord } from "#edge/agreements/usage.ts";
import { causeOf, type Log } from "./log.ts";
import type { Signer } from "./sign.ts";
import type { UsageLog } from "./usage-log.ts";

/** Takes usage to the edge, at least once. */
export interface UsageSender {
  /**
   * Durable when it returns (see usage-log.ts), delivered within 100 ms or whenever the edge can be reached. If the disk refuses, the record stays in memory, is
   * sent all the same, and `isDurable` is false until it has arrived: no new call may begin then.
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

export interface SenderOptions {
  node: string;
  edgeUrl: string;
  sign: Signer;
  log: Log;
  fetch?: typeof fetch;
  random?: () => number;
}

type Delivery = "taken" | "refused" | "later";

const postMsMax = 10_000;
const backOffMsMax = 30_000;
/** The edge read the batch and will never take it. Every other status but 2xx may change, so it is tried again for ever. */
const refusedStatuses = new Set([400, 413, 415, 422]);

/** Opens the sender on a log; what the last run left unacknowledged goes out first. */
export function openUsageSender(usageLog: UsageLog, options: SenderOptions): UsageSender {
  const checkpoints = new Map<HoldId, UsageRecord>();
  let unkept: UsageRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = 0;
  let failures = 0;
  let running: Promise<void> | null = null;
  let isClosed = false;
  let unsent = 0;

  function wake(ms: number): void {
    const atMs = performance.now() + ms;
    if (isClosed || running || (timer && timerAtMs <= atMs)) return;
    clearTimeout(timer);
    timerAtMs = atMs;
    timer = setTimeout(() => void run(), ms);
  }

  function run(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    running ??= round()
      .catch((error: unknown) => {
        failures++;
        options.log("usage_round_failed", { cause: causeOf(error) });
      })
      .finally(() => {
        running = null;
        if (failures > 0) wake(backOffMs(failures, options.random ?? Math.random));
        else if (checkpoints.size > 0 || unsent > 0) wake(unsent >= usageBatchMax ? 0 : usageBatchMs);
      });
    return running;
  }

  /** Sends batches until nothing is left or the edge is out of reach. Records of the log go first; checkpoints fill up the batch. */
  async function round(): Promise<void> {
    for (let isMore = true; isMore && !isClosed; ) {
      const backlogBytes = usageLog.backlogBytes;
      const { records, mark } = usageLog.peek(usageBatchMax);
      unsent = 0;
      const orphans = unkept.slice(0, usageBatchMax - records.length);
      const notes = Array.from(checkpoints.values()).slice(0, usageBatchMax - records.length - orphans.length);
      for (const note of notes) checkpoints.delete(note.hold);
      const batch = [...records, ...orphans, ...notes];
      const delivery = batch.length === 0 ? "taken" : await deliver(batch, options, usageLog);
      failures = delivery === "later" ? failures + 1 : 0;
      if (delivery === "later") {
        for (const note of notes) if (!checkpoints.has(note.hold)) checkpoints.set(note.hold, note);
        return;
      }
      unkept = unkept.slice(orphans.length);
      if (backlogBytes > 0 && !isClosed) usageLog.acknowledge(mark);
      isMore = unkept.length > 0 || (usageLog.backlogBytes > 0 && (records.length > 0 || usageLog.backlogBytes < backlogBytes));
    }
  }

  if (usageLog.backlogBytes > 0) wake(0);

  return {
    keep(record) {
      checkpoints.delete(record.hold);
      try {
        usageLog.append(record);
      } catch (error) {
        options.log("usage_log_failed", { hold: record.hold, cause: causeOf(error) });
        unkept.push(record);
      }
      unsent++;
      if (failures === 0) wake(unsent >= usageBatchMax ? 0 : usageBatchMs);
    },
    checkpoint(record) {
      checkpoints.set(record.hold, record);
      if (failures === 0) wake(usageBatchMs);
    },
    async flush(msMax) {
      const untilMs = performance.now() + msMax;
      while ((usageLog.backlogBytes > 0 || checkpoints.size + unkept.length > 0) && performance.now() < untilMs) {
        await Promise.race([run(), pause(untilMs - performance.now())]);
        if (failures > 0) await pause(Math.min(100, untilMs - performance.now()));
      }
    },
    get isDurable() {
      return unkept.length === 0;
    },
    get backlogBytes() {
      return usageLog.backlogBytes;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      usageLog.close();
    },
  };
}

/** One batch; when the edge refuses it, its halves, so that one bad record is found and set aside and the others go through. */
async function deliver(records: UsageRecord[], options: SenderOptions, usageLog: UsageLog): Promise<Exclude<Delivery, "refused">> {
  const delivery = await post(records, options);
  if (delivery !== "refused") return delivery;
  if (records.length === 1) {
    options.log("usage_record_refused", { hold: records[0]?.hold ?? null });
    usageLog.setAside(records);
    return "taken";
  }
  const half = Math.ceil(records.length / 2);
  const first = await deliver(records.slice(0, half), options, usageLog);
  return first === "later" ? first : deliver(records.slice(half), options, usageLog);
}

async function post(records: UsageRecord[], options: SenderOptions): Promise<Delivery> {
  const body = JSON.stringify({ node: options.node, records } satisfies UsageBatch);
  try {
    const answer = await (options.fetch ?? fetch)(new URL("/origin/usage", options.edgeUrl), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${await options.sign(body)}` },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(postMsMax),
    });
    await answer.body?.cancel();
    if (answer.ok) return "taken";
    options.log("usage_not_taken", { status: answer.status, records: records.length });
    return refusedStatuses.has(answer.status) ? "refused" : "later";
  } catch (error) {
    options.log("usage_not_taken", { cause: causeOf(error), records: records.length });
    return "later";
  }
}

/** Doubles from 0.2 s to 30 s, with up to half of it random, so that nodes do not return all at once. */
function backOffMs(failures: number, random: () => number): number {
  const ms = Math.min(backOffMsMax, 100 * 2 ** Math.min(failures, 10));
  return ms * (0.5 + random() / 2);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(1, ms)));
}
