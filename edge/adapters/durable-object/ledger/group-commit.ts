/**
 * Work that comes so soon after the last is not alone: more is on its way, and waiting one turn of the event loop for
 * it costs less than a disk sync for each.
 */
const busyMs = 4;

interface QueuedWork {
  run(): void;
  fail(cause: unknown): void;
}

/**
 * Lets writes reach the disk together. Work is run in the order in which it came, each piece without a pause: at once
 * when the last was a while ago; otherwise with all that arrives in this turn of the event loop, in one block in the
 * next (docs/decisions/0005). Nothing is read before the wait.
 */
export class GroupCommit {
  #waiting: QueuedWork[] = [];
  #lastAtMs = -Infinity;
  readonly #now: () => number;

  /** `now` is Unix ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs the work, now or in the next turn of the event loop; throws, or rejects with, whatever it throws. */
  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    const now = this.#now();
    const isBusy = this.#waiting.length > 0 || Math.abs(now - this.#lastAtMs) < busyMs;
    this.#lastAtMs = now;
    if (!isBusy) return work();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ run: () => resolve(work()), fail: reject });
    if (this.#waiting.length === 1) setTimeout(() => this.#runAll(), 0);
    return promise;
  }

  #runAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { run, fail } of waiting) {
      try {
        run();
      } catch (cause) {
        fail(cause);
      }
    }
  }
}
