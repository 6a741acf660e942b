import { breakerFailuresMax, breakerOpenMs } from "../limits.ts";
import type { AttemptEnd, BreakerState } from "./port.ts";

/** What a node's breaker remembers: failures in a row, when it opened (Unix ms), and whether a probe is under way. */
export interface Breaker {
  failures: number;
  openedAtMs: number | null;
  isProbing: boolean;
}

/** The breaker of a node that nothing is held against. */
export const closedBreaker: Readonly<Breaker> = { failures: 0, openedAtMs: null, isProbing: false };

/** Open for 30 s; then half open: one call at a time may try the node. */
export function readBreaker(breaker: Breaker, nowMs: number): BreakerState {
  if (breaker.openedAtMs === null) return "closed";
  if (nowMs - breaker.openedAtMs < breakerOpenMs || breaker.isProbing) return "open";
  return "probing";
}

/** An attempt begins: on a half-open breaker it is the probe, which holds the others back. */
export function beginAttempt(breaker: Breaker, nowMs: number): Breaker {
  const isProbe = readBreaker(breaker, nowMs) === "probing";
  return isProbe ? { ...breaker, isProbing: true } : breaker;
}

/**
 * An attempt has shown how the node is: an answer closes the breaker, the third failure in a row opens it. One that was
 * aborted, or that met a node which drains, shows nothing but that the probe is over.
 */
export function endAttempt(breaker: Breaker, end: AttemptEnd, nowMs: number): Breaker {
  if (end === "answered") return closedBreaker;
  if (end !== "failed") return { ...breaker, isProbing: false };
  const failures = breaker.failures + 1;
  return { failures, openedAtMs: failures >= breakerFailuresMax ? nowMs : breaker.openedAtMs, isProbing: false };
}

/** A node that has said since its breaker opened that it is ready may be probed at once. */
export function allowProbe(breaker: Breaker, heardAtMs: number): Breaker {
  const { openedAtMs } = breaker;
  if (openedAtMs === null || heardAtMs <= openedAtMs) return breaker;
  return { ...breaker, openedAtMs: heardAtMs - breakerOpenMs };
}
