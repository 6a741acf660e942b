import { blockTokens, BlockKeys, BlockPool } from "./blocks.ts";
import type { Clock } from "./clock.ts";
import type { EngineProfile } from "../options.ts";
import type { Place, Seat, Work } from "./sequence.ts";
import { EngineStats } from "./stats.ts";

/**
 * vLLM's scheduler in small: continuous batching with chunked prefill, a block pool with prefix cache, preemption by
 * recomputation, first come first served or by priority. Deterministic: it reads no clock but the one given, and draws
 * no random numbers.
 */
export class Engine {
  readonly profile: EngineProfile;
  readonly pool: BlockPool;
  readonly stats = new EngineStats();
  readonly #clock: Clock;
  readonly #waiting: Place[] = [];
  #running: Place[] = [];
  #arrivals = 0;
  #dueMs = 0;
  #isLooping = false;
  readonly #closing = new AbortController();

  constructor(profile: EngineProfile, clock: Clock) {
    this.profile = profile;
    this.pool = new BlockPool(profile.blocks);
    this.#clock = clock;
  }

  get running(): number {
    return this.#running.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Share of the pool that running sequences hold, 0 to 1. */
  get kvUsed(): number {
    return this.pool.usedCount / this.pool.total;
  }

  /** Whether so many more sequences may come. A no is counted. */
  admits(sequences: number): boolean {
    const { maxQueued } = this.profile;
    if (maxQueued === null || this.running + this.waiting + sequences <= maxQueued) return true;
    this.stats.rejections++;
    return false;
  }

  /** Takes a sequence in. Throws `RangeError` for one that could never step: without a token, or beyond the pool. */
  submit(work: Work): Seat {
    if (work.tokens.length === 0) throw new RangeError("a sequence without a token never steps");
    if (work.tokens.length >= this.pool.total * blockTokens) throw new RangeError("the prompt is larger than the pool");
    const place: Place = {
      work,
      promptTokens: work.tokens.length,
      cachedTokens: 0,
      createdTokens: 0,
      keys: new BlockKeys(work.salt),
      blocks: [],
      arrival: this.#arrivals++,
      arrivedAtMs: this.#clock.now(),
      state: "waiting",
      isFrozen: false,
      computed: 0,
      want: 0,
      named: 0,
      lastTokenAtMs: null,
    };
    this.#enqueue(place);
    this.#wake();
    return place;
  }

  /** Takes a sequence out at once; its blocks are free when this returns. Does nothing when it has ended. */
  abort(seat: Seat): void {
    const place = this.#placeOf(seat);
    if (place) this.#end(place, "abort");
    this.#wake();
  }

  /** Leaves a sequence running but makes no further token of it: an engine that hangs. */
  freeze(seat: Seat): void {
    const place = this.#placeOf(seat);
    if (place) place.isFrozen = true;
  }

  close(): void {
    this.#closing.abort();
  }

  #placeOf(seat: Seat): Place | undefined {
    return this.#running.find((place) => place === seat) ?? this.#waiting.find((place) => place === seat);
  }

  #wake() {
    if (this.#isLooping || this.#closing.signal.aborted) return;
    this.#isLooping = true;
    this.#dueMs = this.#clock.now();
    // What is submitted in one breath is scheduled in one step.
    queueMicrotask(() => void this.#loop());
  }

  async #loop() {
    while (!this.#closing.signal.aborted) {
      const batch = this.#schedule();
      if (batch.length === 0) break;
      const nowMs = this.#clock.now();
      this.#dueMs = Math.max(nowMs, this.#dueMs + this.#stepMs(batch));
      // Against the time due, not for a time: what a timer oversleeps is made up by the next.
      await this.#clock.sleep(this.#dueMs - nowMs, this.#closing.signal);
      this.#advance(batch);
    }
    this.#isLooping = false;
  }

  #stepMs(batch: readonly Place[]): number {
    const { stepMs, prefillMsPerToken, kvMsPerToken } = this.profile;
    const prefill = batch.reduce((sum, place) => sum + place.want - 1, 0);
    return stepMs + prefill * prefillMsPerToken + this.pool.usedCount * blockTokens * kvMsPerToken;
  }

  /** Decides what the next step computes: first what runs, then, if nothing had to yield, what waits. */
  #schedule(): Place[] {
    let budget = this.profile.maxBatchedTokens;
    let hasPreempted = false;
    // Who yields makes a new list, so this one holds still.
    for (const place of this.#running) {
      place.want = 0;
      if (place.state !== "running" || place.isFrozen || budget === 0) continue;
      const want = Math.min(place.work.tokens.length - place.computed, budget);
      while (place.state === "running" && !this.#grow(place, place.computed + want)) {
        const victim = this.#victim();
        budget += victim.want;
        this.#preempt(victim);
        hasPreempted = true;
      }
      if (place.state !== "running") continue;
      place.want = want;
      budget -= want;
    }
    if (hasPreempted) budget = 0;
    while (budget > 0 && this.running < this.profile.maxNumSeqs) {
      const [next] = this.#waiting;
      if (!next || !this.#start(next, budget)) break;
      budget -= next.want;
    }
    return this.#running.filter((place) => place.want > 0);
  }

  /** Moves the head of the queue into the batch, beginning after the prefix that the pool still has. */
  #start(place: Place, budget: number): boolean {
    const length = place.work.tokens.length;
    place.keys.extend(place.work.tokens);
    const hits = this.pool.find(place.keys.keys.slice(0, Math.floor((length - 1) / blockTokens)));
    const computed = hits.length * blockTokens;
    const want = Math.min(length - computed, budget);
    const needed = Math.ceil((computed + want) / blockTokens) - hits.length;
    if (this.pool.freeCount - this.pool.freeAmong(hits) < needed) return false;
    for (const block of hits) this.pool.share(block);
    place.blocks.push(...hits);
    this.#grow(place, computed + want);
    place.computed = computed;
    place.named = hits.length;
    place.want = want;
    place.state = "running";
    this.#waiting.shift();
    this.#running.push(place);
    if (place.lastTokenAtMs === null) this.#countStart(place, computed);
    return true;
  }

  #countStart(place: Place, cachedTokens: number) {
    place.cachedTokens = Math.min(cachedTokens, place.promptTokens);
    place.createdTokens = Math.floor(place.promptTokens / blockTokens) * blockTokens - place.cachedTokens;
    this.stats.prefixQueries += place.promptTokens;
    this.stats.prefixHits += place.cachedTokens;
    this.stats.queueSeconds.observe((this.#clock.now() - place.arrivedAtMs) / 1_000);
  }

  #advance(batch: readonly Place[]) {
    this.stats.steps++;
    for (const place of batch) {
      if (place.state !== "running" || place.isFrozen) continue;
      const { work } = place;
      place.computed += place.want;
      place.want = 0;
      this.#nameBlocks(place);
      if (place.computed < work.tokens.length) continue;
      const before = work.tokens.length;
      const reason = work.step();
      this.#countToken(place, work.tokens.length - before);
      if (reason !== null) this.#end(place, reason);
    }
  }

  #nameBlocks(place: Place) {
    const full = Math.floor(place.computed / blockTokens);
    if (place.named >= full) return;
    place.keys.extend(place.work.tokens);
    for (; place.named < full; place.named++) {
      const block = place.blocks[place.named];
      const key = place.keys.keys[place.named];
      if (block !== undefined && key !== undefined) this.pool.name(block, key);
    }
  }

  #countToken(place: Place, tokens: number) {
    const nowMs = this.#clock.now();
    this.stats.generationTokens += tokens;
    if (place.lastTokenAtMs === null) {
      this.stats.promptTokens += place.promptTokens;
      this.stats.firstTokenSeconds.observe((nowMs - place.arrivedAtMs) / 1_000);
    } else this.stats.interTokenSeconds.observe((nowMs - place.lastTokenAtMs) / 1_000);
    place.lastTokenAtMs = nowMs;
  }

  /** Takes blocks until `tokens` fit; false, with what it got so far, when the pool is empty. */
  #grow(place: Place, tokens: number): boolean {
    while (place.blocks.length * blockTokens < tokens) {
      const block = this.pool.take();
      if (block === null) return false;
      place.blocks.push(block);
    }
    return true;
  }

  /** Who must yield: the least urgent, of those the last to come. */
  #victim(): Place {
    const [first, ...others] = this.#running;
    if (!first) throw new Error("nothing runs, so nothing can yield");
    return others.reduce((worst, place) => (this.#isBefore(worst, place) ? place : worst), first);
  }

  #isBefore(one: Place, other: Place): boolean {
    if (this.profile.isPriority && one.work.priority !== other.work.priority)
      return one.work.priority < other.work.priority;
    return one.arrival < other.arrival;
  }

  #preempt(place: Place) {
    this.stats.preemptions++;
    this.#leave(place);
    place.computed = 0;
    place.state = "waiting";
    this.#enqueue(place);
  }

  #enqueue(place: Place) {
    const at = this.#waiting.findIndex((other) => this.#isBefore(place, other));
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, place);
  }

  #leave(place: Place) {
    this.#running = this.#running.filter((other) => other !== place);
    const at = this.#waiting.indexOf(place);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.pool.release(place.blocks);
    place.blocks.length = 0;
    place.want = 0;
  }

  #end(place: Place, reason: "stop" | "length" | "abort") {
    if (place.state === "ended") return;
    this.#leave(place);
    place.state = "ended";
    if (reason === "abort") this.stats.aborts++;
    else
      this.stats.finish(
        reason,
        place.promptTokens,
        place.work.tokens.length - place.promptTokens,
        (this.#clock.now() - place.arrivedAtMs) / 1_000,
      );
  }
}
