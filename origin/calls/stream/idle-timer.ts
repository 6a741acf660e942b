/** A timer that runs out when nothing happens for too long. */
export interface Silence {
  /** Something happened at `nowMs` (performance.now()): the time starts again. */
  note(nowMs: number): void;
  stop(): void;
}

/**
 * Calls `onIdle` when nothing happened for `ms`, and again after each further `ms`. A token only sets a number, because
 * moving the timer would cost more; the timer looks at the number when it fires.
 */
export function watchSilence(ms: number, onSilence: () => void): Silence {
  let heardAtMs = performance.now();
  let timer = setTimeout(look, ms);

  function look(): void {
    const nowMs = performance.now();
    const restMs = heardAtMs + ms - nowMs;
    // Timers fire up to a millisecond early.
    timer = setTimeout(look, restMs < 1 ? ms : restMs);
    if (restMs >= 1) return;
    heardAtMs = nowMs;
    onSilence();
  }

  return {
    note: (nowMs) => void (heardAtMs = nowMs),
    stop: () => clearTimeout(timer),
  };
}
