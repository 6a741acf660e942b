/** Time that goes on only when a test says so: whoever sleeps is woken in the order of their times. */
export class VirtualTime {
  #nowMs: number;
  #sleepers: { atMs: number; wake: () => void }[] = [];
  #underWay = 0;

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

  /** Work that takes real time, and none of this one: time stands until it has ended. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#underWay--;
    }
  }

  /** A sleep in the midst of such work. */
  async sleepWithin(ms: number): Promise<void> {
    this.#underWay--;
    await this.sleep(ms);
    this.#underWay++;
  }

  /** Goes on by so many ms, and lets everything happen that falls due on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.#settle();
    for (let next = this.#sleepers[0]; next && next.atMs <= endMs; next = this.#sleepers[0]) {
      this.#sleepers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await this.#settle();
    }
    this.#nowMs = endMs;
  }

  /** Until no promise that can go on is left. */
  async #settle(): Promise<void> {
    do await new Promise((done) => void setImmediate(done));
    while (this.#underWay > 0);
  }
}
