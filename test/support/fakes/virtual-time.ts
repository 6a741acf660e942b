/** Time that goes on only when a test says so: whoever sleeps is woken in the order of their times. */
export class VirtualTime {
  #nowMs: number;
  #sleepers: { atMs: number; wake: () => void }[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      const atMs = this.#nowMs + Math.max(0, ms);
      const later = this.#sleepers.findIndex((other) => other.atMs > atMs);
      this.#sleepers.splice(later === -1 ? this.#sleepers.length : later, 0, { atMs, wake });
    });
  }

  /** Goes on by so many ms, and lets everything happen that falls due on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#sleepers[0]; next && next.atMs <= endMs; next = this.#sleepers[0]) {
      this.#sleepers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Until no promise that can go on is left. */
const settle = (): Promise<void> => new Promise((done) => void setImmediate(done));
