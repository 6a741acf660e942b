import { blockTokens, BlockKeys, BlockPool } from "./blocks.ts";
import type { Clock } from "./clock.ts";
import type { EngineProfile } from "../options.ts";
import type { EngineSequence, SequenceHandle, Work } from "./sequence.ts";
import { EngineStats } from "./stats.ts";

/**
 * vLLM's scheduler in small: continuous batching with chunked prefill, a block pool with prefix cache, preemption by
 * recomputation, first come first served or by priority. Deterministic: it reads no clock but the one given, and draws
 * no random numbers.
 */
export class EngineCore {
  readonly profile: EngineProfile;
  readonly pool: BlockPool;
  readonly stats = new EngineStats();
  readonly #clock: Clock;
  readonly #waiting: EngineSequence[] = [];
  #running: EngineSequence[] = [];
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

  /** Whether this many more sequences may come. A refusal is counted. */
  admits(sequences: number): boolean {
    const { maxQueued } = this.profile;
    if (maxQueued === null || this.running + this.waiting + sequences <= maxQueued) return true;
    this.stats.rejections++;
    return false;
  }

  /** Takes a sequence in. Throws `RangeError` for one that could never step: without a token, or beyond the pool. */
  submit(work: Work): SequenceHandle {
    if (work.tokens.length === 0) throw new RangeError("a sequence without a token never steps");
    if (work.tokens.length >= this.pool.total * blockTokens) throw new RangeError("the prompt is larger than the pool");
    const sequence: EngineSequence = {
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
    this.#enqueue(sequence);
    this.#wake();
    return sequence;
  }

  /** Takes a sequence out at once; its blocks are free when this returns. Does nothing when it has ended. */
  abort(handle: SequenceHandle): void {
    const sequence = this.#find(handle);
    if (sequence) this.#end(sequence, "abort");
    this.#wake();
  }

  /** Leaves a sequence running but makes no further token for it: an engine that hangs. */
  freeze(handle: SequenceHandle): void {
    const sequence = this.#find(handle);
    if (sequence) sequence.isFrozen = true;
  }

  close(): void {
    this.#closing.abort();
  }

  #find(handle: SequenceHandle): EngineSequence | undefined {
    return (
      this.#running.find((sequence) => sequence === handle) ?? this.#waiting.find((sequence) => sequence === handle)
    );
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

  #stepMs(batch: readonly EngineSequence[]): number {
    const { stepMs, prefillMsPerToken, kvMsPerToken } = this.profile;
    const prefill = batch.reduce((sum, sequence) => sum + sequence.want - 1, 0);
    return stepMs + prefill * prefillMsPerToken + this.pool.usedCount * blockTokens * kvMsPerToken;
  }

  /** Decides what the next step computes: first what runs, then, if nothing had to yield, what waits. */
  #schedule(): EngineSequence[] {
    let budget = this.profile.maxBatchedTokens;
    let hasPreempted = false;
    // Who yields makes a new list, so this one holds still.
    for (const sequence of this.#running) {
      sequence.want = 0;
      if (sequence.state !== "running" || sequence.isFrozen || budget === 0) continue;
      const want = Math.min(sequence.work.tokens.length - sequence.computed, budget);
      while (sequence.state === "running" && !this.#grow(sequence, sequence.computed + want)) {
        const victim = this.#chooseVictim();
        budget += victim.want;
        this.#preempt(victim);
        hasPreempted = true;
      }
      if (sequence.state !== "running") continue;
      sequence.want = want;
      budget -= want;
    }
    if (hasPreempted) budget = 0;
    while (budget > 0 && this.running < this.profile.maxNumSeqs) {
      const [next] = this.#waiting;
      if (!next || !this.#start(next, budget)) break;
      budget -= next.want;
    }
    return this.#running.filter((sequence) => sequence.want > 0);
  }

  /** Moves the head of the queue into the batch, beginning after the prefix that the pool still has. */
  #start(sequence: EngineSequence, budget: number): boolean {
    const length = sequence.work.tokens.length;
    sequence.keys.extend(sequence.work.tokens);
    const hits = this.pool.find(sequence.keys.keys.slice(0, Math.floor((length - 1) / blockTokens)));
    const computed = hits.length * blockTokens;
    const want = Math.min(length - computed, budget);
    const needed = Math.ceil((computed + want) / blockTokens) - hits.length;
    if (this.pool.freeCount - this.pool.freeAmong(hits) < needed) return false;
    for (const block of hits) this.pool.share(block);
    sequence.blocks.push(...hits);
    this.#grow(sequence, computed + want);
    sequence.computed = computed;
    sequence.named = hits.length;
    sequence.want = want;
    sequence.state = "running";
    this.#waiting.shift();
    this.#running.push(sequence);
    if (sequence.lastTokenAtMs === null) this.#countStart(sequence, computed);
    return true;
  }

  #countStart(sequence: EngineSequence, cachedTokens: number) {
    sequence.cachedTokens = Math.min(cachedTokens, sequence.promptTokens);
    sequence.createdTokens = Math.floor(sequence.promptTokens / blockTokens) * blockTokens - sequence.cachedTokens;
    this.stats.prefixQueries += sequence.promptTokens;
    this.stats.prefixHits += sequence.cachedTokens;
    this.stats.queueSeconds.observe((this.#clock.now() - sequence.arrivedAtMs) / 1_000);
  }

  #advance(batch: readonly EngineSequence[]) {
    this.stats.steps++;
    for (const sequence of batch) {
      if (sequence.state !== "running" || sequence.isFrozen) continue;
      const { work } = sequence;
      sequence.computed += sequence.want;
      sequence.want = 0;
      this.#nameBlocks(sequence);
      if (sequence.computed < work.tokens.length) continue;
      const before = work.tokens.length;
      const reason = work.step();
      this.#countToken(sequence, work.tokens.length - before);
      if (reason !== null) this.#end(sequence, reason);
    }
  }

  #nameBlocks(sequence: EngineSequence) {
    const full = Math.floor(sequence.computed / blockTokens);
    if (sequence.named >= full) return;
    sequence.keys.extend(sequence.work.tokens);
    for (; sequence.named < full; sequence.named++) {
      const block = sequence.blocks[sequence.named];
      const key = sequence.keys.keys[sequence.named];
      if (block !== undefined && key !== undefined) this.pool.name(block, key);
    }
  }

  #countToken(sequence: EngineSequence, tokens: number) {
    const nowMs = this.#clock.now();
    this.stats.generationTokens += tokens;
    if (sequence.lastTokenAtMs === null) {
      this.stats.promptTokens += sequence.promptTokens;
      this.stats.firstTokenSeconds.observe((nowMs - sequence.arrivedAtMs) / 1_000);
    } else this.stats.interTokenSeconds.observe((nowMs - sequence.lastTokenAtMs) / 1_000);
    sequence.lastTokenAtMs = nowMs;
  }

  /** Takes blocks until `tokens` fit; false, with what it got so far, when the pool is empty. */
  #grow(sequence: EngineSequence, tokens: number): boolean {
    while (sequence.blocks.length * blockTokens < tokens) {
      const block = this.pool.take();
      if (block === null) return false;
      sequence.blocks.push(block);
    }
    return true;
  }

  /** Who must yield: the least urgent, of those the last to come. */
  #chooseVictim(): EngineSequence {
    const [first, ...others] = this.#running;
    if (!first) throw new Error("nothing runs, so nothing can yield");
    return others.reduce((worst, sequence) => (this.#isAhead(worst, sequence) ? sequence : worst), first);
  }

  #isAhead(one: EngineSequence, other: EngineSequence): boolean {
    if (this.profile.isPriority && one.work.priority !== other.work.priority)
      return one.work.priority < other.work.priority;
    return one.arrival < other.arrival;
  }

  #preempt(sequence: EngineSequence) {
    this.stats.preemptions++;
    this.#leave(sequence);
    sequence.computed = 0;
    sequence.state = "waiting";
    this.#enqueue(sequence);
  }

  #enqueue(sequence: EngineSequence) {
    const at = this.#waiting.findIndex((other) => this.#isAhead(sequence, other));
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, sequence);
  }

  #leave(sequence: EngineSequence) {
    this.#running = this.#running.filter((other) => other !== sequence);
    const at = this.#waiting.indexOf(sequence);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.pool.release(sequence.blocks);
    sequence.blocks.length = 0;
    sequence.want = 0;
  }

  #end(sequence: EngineSequence, reason: "stop" | "length" | "abort") {
    if (sequence.state === "ended") return;
    this.#leave(sequence);
    sequence.state = "ended";
    if (reason === "abort") this.stats.aborts++;
    else
      this.stats.finish(
        reason,
        sequence.promptTokens,
        sequence.work.tokens.length - sequence.promptTokens,
        (this.#clock.now() - sequence.arrivedAtMs) / 1_000,
      );
  }
}
