/** One timer for waits that follow each other, and whether it still runs for one. */
export interface Watchdog {
  /** Waits for something else instead: calls `bite` in so many milliseconds, unless another call comes before. */
  wait(ms: number, bite: () => void): void;
  dispose(): void;
}

/**
 * Opens a watchdog that waits for nothing yet. Setting and clearing a timer costs a call more than asking the clock, so
 * a wait that ends later than the one before keeps its timer, which looks further ahead when it fires. `now` is in ms.
 */
export function openWatchdog(now: () => number): Watchdog {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let firesAtMs = 0;
  let endMs = 0;
  let onEnd = () => {};
  const arm = (fromMs: number) => {
    firesAtMs = endMs;
    timer = setTimeout(fire, Math.max(0, firesAtMs - fromMs));
  };
  const fire = () => {
    timer = null;
    // It may fire late, and never early, whatever the clock says.
    if (firesAtMs < endMs) arm(Math.max(firesAtMs, now()));
    else onEnd();
  };
  const dispose = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    wait(ms, bite) {
      const nowMs = now();
      endMs = nowMs + ms;
      onEnd = bite;
      if (timer !== null && firesAtMs <= endMs) return;
      dispose();
      arm(nowMs);
    },
    dispose,
  };
}
