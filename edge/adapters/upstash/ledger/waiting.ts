import { z } from "zod";
import type { HoldId } from "../../../agreements/tokens/ids.ts";
import { slotWaitMs, waitingPollMs, waitingPollMsMax } from "../../../limits.ts";
import type { Denial, Grant, HoldRequest } from "../../../ledger/port.ts";
import { read, readAdmission } from "./codec.ts";

/** For how long yet the ask may wait, and the denial that it would get now. */
const Waits = z.tuple([z.literal("waits"), z.int(), z.array(z.unknown())]);
const Cancelled = z.enum(["cancelled", "unknown"]);

/** Runs the script for a request; `wait` says how long it may wait. */
type Ask = (request: HoldRequest, wait: string) => Promise<unknown>;

/**
 * The asks of one isolate that wait in Redis. A script cannot wait, so whom it tells to wait asks again every
 * `waitingPollMs`, later every `waitingPollMsMax`.
 */
export class WaitingPolls {
  /** Holds whose asks are repeated; `false` once their caller has left. */
  readonly #isAwaited = new Map<HoldId, boolean>();
  readonly #now: () => number;

  /** `now` is this isolate's clock, Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Admits a call, however often it has to ask for that. The last question, when its time is over, takes it out of the
   * line. Its hold ends when it would have ended without the wait.
   */
  async admit(request: HoldRequest, ask: Ask): Promise<Grant | Denial> {
    const { hold, waitMs = 0, waitMsMax = waitMs } = request;
    if (waitMsMax === 0) return readAdmission(request, await ask(request, ""));
    const sinceMs = this.#now();
    const reply = await ask(request, `${waitMs} ${waitMsMax}`);
    if (!isWaiting(reply)) return readAdmission(request, reply);
    this.#isAwaited.set(hold, true);
    try {
      return await this.#repeat(request, { ask, reply, sinceMs });
    } finally {
      this.#isAwaited.delete(hold);
    }
  }

  /** Who has left asks no more. */
  cancel(hold: HoldId): void {
    if (this.#isAwaited.has(hold)) this.#isAwaited.set(hold, false);
  }

  async #repeat(
    request: HoldRequest,
    { ask, reply: first, sinceMs }: { ask: Ask; reply: unknown; sinceMs: number },
  ): Promise<Grant | Denial> {
    const { waitMs = 0, waitMsMax = waitMs } = request;
    // A lease counts from before it was asked for: it would be over when the call's turn comes.
    const { lease: _, ...plain } = request;
    let reply = first;
    while (isWaiting(reply)) {
      const [, leftMs, denial] = read(Waits, reply);
      const waitedMs = Math.max(0, this.#now() - sinceMs);
      const restMs = Math.min(leftMs, waitMsMax - waitedMs);
      await new Promise((done) => setTimeout(done, Math.min(restMs, findPollMs(waitedMs))));
      if (this.#isAwaited.get(request.hold) === false) return readAdmission(request, denial);
      const wait = restMs <= findPollMs(waitedMs) ? "end" : `${waitMs} ${waitMsMax}`;
      reply = await ask({ ...plain, ttlMs: Math.max(1, request.ttlMs - waitedMs) }, wait);
    }
    return readAdmission(request, reply);
  }
}

/** Throws unless the ledger knows that the ask waits no more. */
export function readCancelled(reply: unknown): void {
  read(Cancelled, reply);
}

function isWaiting(reply: unknown): boolean {
  return Array.isArray(reply) && reply[0] === "waits";
}

function findPollMs(waitedMs: number): number {
  return waitedMs < slotWaitMs ? waitingPollMs : waitingPollMsMax;
}
