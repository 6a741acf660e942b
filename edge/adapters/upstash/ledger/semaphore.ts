/**
 * A request, and the one that brings a script which Redis had forgotten, must have ended so many times its bound after
 * it was begun.
 */
export const goneAfter = 4;

/** A request that is under way, or about to leave. */
export interface Place {
  atMs: number;
}

/**
 * Bounds how many requests one isolate has under way. A request whose call died with it never releases its permit:
 * after `goneMs` the permit is free all the same.
 */
export class Places {
  readonly #taken = new Set<Place>();
  readonly #max: number;
  readonly #goneMs: number;

  constructor(max: number, goneMs: number) {
    this.#max = max;
    this.#goneMs = goneMs;
  }

  /** A permit, or null when none is free. */
  take(): Place | null {
    const now = Date.now();
    if (this.#taken.size >= this.#max)
      for (const place of this.#taken) if (now - place.atMs > this.#goneMs) this.#taken.delete(place);
    if (this.#taken.size >= this.#max) return null;
    const place = { atMs: now };
    this.#taken.add(place);
    return place;
  }

  giveBack(place: Place): void {
    this.#taken.delete(place);
  }
}
