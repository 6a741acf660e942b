/**
 * A request, and the one that brings a script which Redis had forgotten, must have ended so many times its bound after
 * it was begun.
 */
export const goneAfterWaits = 4;

/** A request that is under way, or about to leave. */
export interface Permit {
  atMs: number;
}

/**
 * Bounds how many requests one isolate has under way. A request whose call died with it never releases its permit:
 * after `goneMs` the permit is free all the same.
 */
export class Semaphore {
  readonly #taken = new Set<Permit>();
  readonly #max: number;
  readonly #goneMs: number;
  readonly #now: () => number;

  constructor(max: number, goneMs: number, now: () => number) {
    this.#max = max;
    this.#goneMs = goneMs;
    this.#now = now;
  }

  /** A permit, or null when none is free. */
  acquire(): Permit | null {
    const now = this.#now();
    if (this.#taken.size >= this.#max)
      for (const permit of this.#taken) if (now - permit.atMs > this.#goneMs) this.#taken.delete(permit);
    if (this.#taken.size >= this.#max) return null;
    const permit = { atMs: now };
    this.#taken.add(permit);
    return permit;
  }

  release(permit: Permit): void {
    this.#taken.delete(permit);
  }
}
