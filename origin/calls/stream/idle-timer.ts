/** A watch over something that should be heard from. */
export interface Silence {
  /** Something was heard at `nowMs` (performance.now()), or the watch begins anew. */
  note(nowMs: number): void;
  stop(): void;
}

/**
 * Calls `onSilence` when nothing was heard for `ms`, and again after each further `ms` of it. A token is noted by a
 * number; the timer, which costs more to move, finds out when it fires.
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
