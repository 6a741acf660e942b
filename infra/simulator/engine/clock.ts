/**
 * The only way to time in the simulator: `now` in ms, and `sleep`, which resolves early (never rejects) when the signal
 * fires.
 */
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Wall time. A sleep of less than a timer's grain yields to the event loop once. */
export function realClock(): Clock {
  return {
    now: () => performance.timeOrigin + performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        if (ms < 1) return void setImmediate(resolve);
        const timer = setTimeout(done, ms);
        function done() {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        }
        signal?.addEventListener("abort", done);
      }),
  };
}

interface Sleeper {
  dueMs: number;
  wake(): void;
}

/**
 * Time that jumps to the next sleeper as soon as the event loop has nothing else to do: a day of traffic is planned in
 * seconds. Sleepers wake in order of their due time, and in order of arrival when it is the same.
 */
export function virtualClock(startMs = 0): Clock {
  let nowMs = startMs;
  let isPumping = false;
  const sleepers: Sleeper[] = [];

  function pump() {
    const next = sleepers.shift();
    isPumping = next !== undefined;
    if (!next) return;
    nowMs = Math.max(nowMs, next.dueMs);
    next.wake();
    setImmediate(pump);
  }

  function add(sleeper: Sleeper) {
    const at = sleepers.findIndex((other) => other.dueMs > sleeper.dueMs);
    sleepers.splice(at < 0 ? sleepers.length : at, 0, sleeper);
    if (isPumping) return;
    isPumping = true;
    setImmediate(pump);
  }

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { dueMs: nowMs + Math.max(0, ms), wake };
        function leave() {
          const at = sleepers.indexOf(sleeper);
          if (at >= 0) sleepers.splice(at, 1);
          wake();
        }
        function wake() {
          signal?.removeEventListener("abort", leave);
          resolve();
        }
        signal?.addEventListener("abort", leave);
        add(sleeper);
      }),
  };
}
