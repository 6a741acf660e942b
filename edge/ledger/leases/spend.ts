import { isInRanges } from "../../agreements/ip.ts";
import { computeCostMicros } from "../../agreements/records/model.ts";
import type { LeasedTerms, LeaseId } from "../../agreements/tokens/lease.ts";
import type { WindowReport } from "../../protocol/rate-headers.ts";
import { findScopeDenied, verifyKey } from "../decide.ts";
import type { Amounts, Grant, HoldRequest, LeaseClosing, LeaseGrant, NeededAmounts } from "../port.ts";
import { hasLimits } from "../state.ts";

/** A lease is renewed when this part of it is spent or over. */
const renewalShare = 0.7;

/**
 * A lease as its isolate spends it. It lives for its time from *before* it was asked for, by a clock that only needs to
 * go on: one that steps back ends it.
 */
export class SpendableLease {
  readonly id: LeaseId;
  readonly #grant: LeaseGrant;
  readonly #requestedAtMs: number;
  #seenAtMs: number;
  #isOver = false;
  #attempts = 0;
  readonly #spent: Amounts = { calls: 0, tokens: 0, costMicros: 0 };

  constructor(grant: LeaseGrant, requestedAtMs: number) {
    this.id = grant.id;
    this.#grant = grant;
    this.#requestedAtMs = requestedAtMs;
    this.#seenAtMs = requestedAtMs;
  }

  /** How long it has still to live; 0 when it is over. */
  msLeft(nowMs: number): number {
    if (nowMs < this.#seenAtMs) this.#isOver = true;
    this.#seenAtMs = nowMs;
    return this.#isOver ? 0 : Math.max(0, this.#requestedAtMs + this.#grant.ttlMs - nowMs);
  }

  /** Whether it is time for the next one. */
  isNearlySpent(nowMs: number): boolean {
    const { calls, tokens, costMicros, ttlMs } = this.#grant;
    const isUsed = (spent: number, granted: number) => granted > 0 && spent >= renewalShare * granted;
    return (
      this.msLeft(nowMs) <= (1 - renewalShare) * ttlMs ||
      isUsed(this.#attempts, calls) ||
      isUsed(this.#spent.tokens, tokens) ||
      isUsed(this.#spent.costMicros, costMicros)
    );
  }

  /**
   * Admits the call by the same checks as the ledger; `null` whenever anything is in its way: then the ledger decides,
   * and says why.
   */
  admit(request: HoldRequest, nowMs: number): Grant | null {
    const { key, rates, holdMsMax } = this.#grant;
    if (this.msLeft(nowMs) === 0 || !isPlain(request) || request.key !== key.id || request.org !== key.org) return null;
    const need = measureRequest(request);
    if (request.ttlMs > holdMsMax || !this.#hasRoom(need)) return null;
    if (!verifyKey(key, request, nowMs) || findScopeDenied(key, request)) return null;
    if (key.ipRanges && !isInRanges(request.ip, key.ipRanges)) return null;
    this.#attempts++;
    this.#book(need, 1);
    const elapsedMs = nowMs - this.#requestedAtMs;
    return {
      kind: "grant",
      hold: request.hold,
      tokensHeld: need.tokens,
      completionTokens: request.completionTokens,
      expiresAtMs: nowMs + request.ttlMs,
      rates: {
        requests: countDown(rates.requests, this.#attempts, elapsedMs),
        tokens: countDown(rates.tokens, this.#spent.tokens, elapsedMs),
      },
      leased: this.#makeTerms(request, nowMs),
    };
  }

  /** Takes back what a call held that no node ran. The attempt stays counted. */
  giveBack(terms: LeasedTerms): void {
    this.#book(measureRequest(terms), -1);
  }

  /** What was made of it, at its end. It admits nothing from then on. */
  close(): LeaseClosing {
    this.#isOver = true;
    return { lease: this.id, attempts: this.#attempts, ...this.#spent };
  }

  #hasRoom(need: Amounts): boolean {
    const { calls, tokens, costMicros } = this.#grant;
    const { tokens: tokensSpent, costMicros: costSpent } = this.#spent;
    return this.#attempts < calls && tokensSpent + need.tokens <= tokens && costSpent + need.costMicros <= costMicros;
  }

  #book(need: Amounts, sign: 1 | -1): void {
    this.#spent.calls += sign * need.calls;
    this.#spent.tokens += sign * need.tokens;
    this.#spent.costMicros += sign * need.costMicros;
  }

  #makeTerms(request: HoldRequest, nowMs: number): LeasedTerms {
    const { key } = this.#grant;
    const { endpoint, model, tier, price, choices, completionTokens } = request;
    return {
      lease: this.id,
      key: key.id,
      isKeyBooked: hasLimits(key),
      ...(key.lineage && { lineage: key.lineage }),
      ...(key.project && { project: key.project }),
      endpoint,
      model,
      tier,
      price,
      promptTokens: request.promptTokens,
      choices,
      completionTokens,
      admittedAtMs: nowMs,
      expiresAtMs: nowMs + request.ttlMs,
    };
  }
}

/** Whether a lease may be for such a call at all: others need what only the ledger knows. */
export function isPlain({ idempotency, mayClamp, token }: HoldRequest): boolean {
  return idempotency === null && !mayClamp && token === undefined;
}

/** What a request wants to hold. */
export function measureRequest(request: NeededAmounts): Amounts {
  const completion = request.choices * request.completionTokens;
  const { promptTokens, price } = request;
  return {
    calls: 1,
    tokens: promptTokens + completion,
    costMicros: computeCostMicros(price, promptTokens, completion),
  };
}

/** The window as it was when the lease was given, less what this isolate has spent since. */
function countDown(report: WindowReport | null, spent: number, elapsedMs: number): WindowReport | null {
  if (!report) return null;
  const { limit, remaining, resetMs } = report;
  return { limit, remaining: Math.max(0, remaining - spent), resetMs: Math.max(0, resetMs - elapsedMs) };
}
