/** A part of the model's memory, lent to one call. */
export interface Slot {
  index: number;
  /** What lies in it was read for the same salt: it may be built upon. Otherwise it must be forgotten first. */
  isWarm: boolean;
}

interface SlotWaiter {
  salt: string;
  take(slot: Slot | null): void;
}

/**
 * Lends `count` slots. The one that last served a salt is preferred for it, so that a conversation finds its beginning
 * again; no other salt ever gets to it warm.
 */
export class Slots {
  #salts: (string | null)[];
  #free: Set<number>;
  #waiters = new Set<SlotWaiter>();

  constructor(count: number) {
    this.#salts = Array.from({ length: count }, () => null);
    this.#free = new Set(this.#salts.keys());
  }

  /**
   * Resolves with a slot, first come first served, or with `null` when none became free within `msMax` or the signal
   * came first.
   */
  take(salt: string, msMax: number, signal: AbortSignal): Promise<Slot | null> {
    if (signal.aborted) return Promise.resolve(null);
    if (this.#free.size > 0) return Promise.resolve(this.#lend(salt));
    return new Promise((resolve) => {
      const expire = () => waiter.take(null);
      const timer = setTimeout(expire, msMax);
      const waiter: SlotWaiter = {
        salt,
        take: (slot) => {
          clearTimeout(timer);
          signal.removeEventListener("abort", expire);
          this.#waiters.delete(waiter);
          resolve(slot);
        },
      };
      signal.addEventListener("abort", expire);
      this.#waiters.add(waiter);
    });
  }

  release({ index }: Slot): void {
    this.#free.add(index);
    const [next] = this.#waiters;
    if (next) next.take(this.#lend(next.salt));
  }

  #lend(salt: string): Slot {
    const free = [...this.#free];
    // Else one that nobody has used, and only then one that somebody may come back to.
    const index =
      free.find((at) => this.#salts[at] === salt) ?? free.find((at) => this.#salts[at] === null) ?? free[0] ?? 0;
    const isWarm = this.#salts[index] === salt;
    this.#salts[index] = salt;
    this.#free.delete(index);
    return { index, isWarm };
  }
}
