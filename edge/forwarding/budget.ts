import { retriesMin, retryShareMax } from "../limits.ts";

/**
 * Limits retries to a share of calls, so that retries do not overload an unhealthy fleet (F3): 20 % of the calls of the
 * last 10 to 20 s, three at least.
 */
export interface RetryBudget {
  /** Counts one call. */
  countCall(nowMs: number): void;
  /** Takes one retry from the budget; false when there is none left. */
  takeRetry(nowMs: number): boolean;
}

const spanMs = 10_000;

/** Opens a budget that lives as long as the isolate; two counters, no timers. */
export function openRetryBudget(): RetryBudget {
  let span = { startMs: -Infinity, calls: 0, retries: 0 };
  let last = { calls: 0, retries: 0 };
  const rotate = (nowMs: number) => {
    if (nowMs - span.startMs < spanMs) return;
    last = nowMs - span.startMs < 2 * spanMs ? span : { calls: 0, retries: 0 };
    span = { startMs: nowMs - (nowMs % spanMs), calls: 0, retries: 0 };
  };
  return {
    countCall(nowMs) {
      rotate(nowMs);
      span.calls++;
    },
    takeRetry(nowMs) {
      rotate(nowMs);
      const allowed = Math.max(retriesMin, Math.floor(retryShareMax * (span.calls + last.calls)));
      if (span.retries + last.retries >= allowed) return false;
      span.retries++;
      return true;
    },
  };
}
