/** A timer that runs out when nothing happens for too long. */
export interface IdleTimer {
  /** Something happened at `nowMs` (performance.now()): the time starts again. */
  touch(nowMs: number): void;
  stop(): void;
}

/**
 * Calls `onIdle` when nothing happened for `ms`, and again after each further `ms`. A token only sets a number, because
 * moving the timer would cost more; the timer looks at the number when it fires.
 */
export function startIdleTimer(ms: number, onIdle: () => void): IdleTimer {
  let activeAtMs = performance.now();
  let timer = setTimeout(check, ms);

  function check(): void {
    const nowMs = performance.now();
    const restMs = activeAtMs + ms - nowMs;
    // Timers fire up to a millisecond early.
    timer = setTimeout(check, restMs < 1 ? ms : restMs);
    if (restMs >= 1) return;
    activeAtMs = nowMs;
    onIdle();
  }

  return {
    touch: (nowMs) => void (activeAtMs = nowMs),
    stop: () => clearTimeout(timer),
  };
}
