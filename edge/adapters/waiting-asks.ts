import type { HoldId, OrgId } from "../agreements/tokens/ids.ts";
import type { LedgerCore } from "../ledger/core.ts";
import type { Denial, Grant, HoldRequest } from "../ledger/port.ts";
import { WaitingLine, type TurnEnd, type WaitingAsk } from "../ledger/waiting/line.ts";
import type { SlotWait } from "../ledger/waiting/plan.ts";

/** Where the ledgers are, and their clock. */
export interface WaitingOptions {
  /** Unix ms. */
  now: () => number;
  /** The org's ledger; throws when it is not served here. */
  find: (org: OrgId) => LedgerCore;
  /** Hears of each ledger in which holds may have been booked. */
  onServed?: (core: LedgerCore) => void;
}

/** A request that waits, and how to answer it. `denial` is what it would be told if its time were over. */
interface PendingAsk extends WaitingAsk {
  request: HoldRequest;
  sinceMs: number;
  denial: Denial;
  answer: PromiseWithResolvers<Grant | Denial>;
}

/** The line of one org, and what wakes it next. */
interface OrgLine {
  line: WaitingLine<PendingAsk>;
  timer: ReturnType<typeof setTimeout> | null;
}

/**
 * Lets asks wait in the ledgers of one process or object, each org's in a line of its own. Nothing is held for who
 * waits, and nothing is stored: with the process they are gone. No method awaits anything, so deciding and booking stay
 * one piece.
 */
export class WaitingAsks {
  readonly #lines = new Map<OrgId, OrgLine>();
  readonly #options: WaitingOptions;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** Answers at once, unless the call may wait. Those who wait already come first. */
  admit(core: LedgerCore, request: HoldRequest): Grant | Denial | Promise<Grant | Denial> {
    this.serve(request.org);
    const decision = core.evaluate(request, this.#options.now());
    if (decision.kind === "granted" || !decision.wait) return core.commit(decision);
    return this.#enter(request, decision.denial, decision.wait);
  }

  /** Gives those who wait their turns: something of their org has ended, or come into force. */
  serve(org: OrgId): void {
    const waiting = this.#lines.get(org);
    if (!waiting) return;
    const core = this.#find(org, waiting);
    if (!core) return;
    waiting.line.serve((ask) => this.#tryAsk(core, ask));
    this.#options.onServed?.(core);
    this.#arm(org, waiting);
  }

  /** The same for every org. */
  serveAll(): void {
    for (const org of this.#lines.keys()) this.serve(org);
  }

  /** Ends the wait of one ask with its denial. */
  cancel(org: OrgId, hold: HoldId): void {
    const waiting = this.#lines.get(org);
    const ask = waiting?.line.cancel(hold);
    if (!waiting || !ask) return;
    ask.answer.resolve(ask.denial);
    this.#arm(org, waiting);
  }

  /** Ends the wait of all of an org, which is not served here any more. */
  drop(org: OrgId): void {
    const waiting = this.#lines.get(org);
    if (waiting) this.#end(org, waiting, Infinity);
  }

  /** How many wait. */
  count(org: OrgId): number {
    return this.#lines.get(org)?.line.size ?? 0;
  }

  #enter(request: HoldRequest, denial: Denial, { untilMs }: SlotWait): Denial | Promise<Grant | Denial> {
    const { org, hold, key } = request;
    const waiting = this.#lines.get(org) ?? { line: new WaitingLine<PendingAsk>(), timer: null };
    const answer = Promise.withResolvers<Grant | Denial>();
    // A lease counts from before it was asked for: it would be over when its turn comes.
    const { lease: _, ...plain } = request;
    const sinceMs = this.#options.now();
    if (!waiting.line.add({ hold, key, untilMs, request: plain, sinceMs, denial, answer })) return denial;
    this.#lines.set(org, waiting);
    this.#arm(org, waiting);
    return answer.promise;
  }

  /** The hold ends when it would have ended without the wait: by the call's own deadline. */
  #tryAsk(core: LedgerCore, ask: PendingAsk): TurnEnd {
    const now = this.#options.now();
    const ttlMs = Math.max(1, ask.request.ttlMs - Math.max(0, now - ask.sinceMs));
    try {
      const decision = core.evaluate({ ...ask.request, ttlMs }, now);
      if (decision.kind === "denied" && decision.wait) {
        ask.denial = decision.denial;
        return decision.wait.blocks;
      }
      ask.answer.resolve(core.commit(decision));
      return decision.kind === "granted" ? "served" : "ended";
    } catch (cause) {
      ask.answer.reject(cause);
      return "ended";
    }
  }

  /** Wakes when somebody has waited long enough, or when something expires that they may be waiting for. */
  #arm(org: OrgId, waiting: OrgLine): void {
    if (waiting.timer !== null) clearTimeout(waiting.timer);
    if (waiting.line.size === 0) {
      this.#lines.delete(org);
      return;
    }
    const core = this.#find(org, waiting);
    if (!core) return;
    const dueMs = Math.min(waiting.line.nextDeadlineMs, core.quietUntilMs);
    waiting.timer = setTimeout(() => this.#wake(org, waiting, dueMs), Math.max(1, dueMs - this.#options.now()));
  }

  /** A ledger that fails fails for all who wait in it, and for nobody who only gave them their turns. */
  #find(org: OrgId, waiting: OrgLine): LedgerCore | null {
    try {
      return this.#options.find(org);
    } catch (cause) {
      for (const { answer } of waiting.line.takeLate(Infinity)) answer.reject(cause);
      if (waiting.timer !== null) clearTimeout(waiting.timer);
      this.#lines.delete(org);
      return null;
    }
  }

  /** By the timer it is `dueMs` by now, also where the clock was set back meanwhile. */
  #wake(org: OrgId, waiting: OrgLine, dueMs: number): void {
    this.serve(org);
    this.#end(org, waiting, Math.max(this.#options.now(), dueMs));
  }

  #end(org: OrgId, waiting: OrgLine, nowMs: number): void {
    for (const { answer, denial } of waiting.line.takeLate(nowMs)) answer.resolve(denial);
    this.#arm(org, waiting);
  }
}
