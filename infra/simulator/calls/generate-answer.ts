import { Choice, type Delta } from "./choice.ts";
import type { Seat } from "../engine/sequence.ts";
import type { FaultRule } from "../faults.ts";
import type { OracleRecord } from "../text/oracle.ts";
import type { Sampling, UsageWish } from "./sampling.ts";
import type { Script } from "../text/script.ts";
import type { ServedModel } from "../served-model.ts";
import type { Wire } from "./stream-writer.ts";

/** A call that has been read and checked: what is to be generated. */
export interface Ask {
  id: string;
  model: ServedModel;
  prompts: readonly (readonly number[])[];
  sampling: Sampling;
  isStream: boolean;
  usage: UsageWish;
  /** An answer with a form, for each choice; `null` when it is free. */
  scriptFor: (index: number) => Script | null;
}

/** Counts of one answer, as `usage` has them. */
export interface Tally {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number;
  createdTokens: number;
}

/** How an endpoint writes its answers. Every string is JSON; `null` leaves a chunk out. */
export interface Scribe {
  /** What a stream begins with, once the first token is there. */
  opening(tally: Tally): string[];
  /** `counts` are this choice's own so far. */
  chunk(choice: Choice, delta: Delta, tally: Tally): string;
  /** The usage chunk that ends a stream. */
  closing(tally: Tally): string | null;
  /** A whole answer, of all that each choice has made. */
  whole(choices: readonly { choice: Choice; delta: Delta }[], tally: Tally): string;
}

/** What a call runs in. */
export interface Surroundings {
  rules: readonly FaultRule[];
  record: OracleRecord;
  tokensPerChunk: number;
  sleep(ms: number): Promise<void>;
  now(): number;
  kill(): void;
}

/**
 * Generates and answers one call that has been admitted. Whatever happens is in the record. Aborts the engine's work
 * the moment the caller leaves.
 */
export async function serveCall(
  ask: Ask,
  scribe: Scribe,
  openWire: (events: ConstructorParameters<typeof Wire>[2]) => Wire,
  around: Surroundings,
): Promise<void> {
  const run = new Run(ask, scribe, openWire, around);
  await run.start();
}

class Run {
  readonly #ask: Ask;
  readonly #scribe: Scribe;
  readonly #wire: Wire;
  readonly #around: Surroundings;
  readonly #choices: Choice[];
  #seats: Seat[] = [];
  #unfinished: number;
  #hasOpened = false;

  constructor(
    ask: Ask,
    scribe: Scribe,
    openWire: (events: ConstructorParameters<typeof Wire>[2]) => Wire,
    around: Surroundings,
  ) {
    this.#ask = ask;
    this.#scribe = scribe;
    this.#around = around;
    this.#choices = ask.prompts.flatMap((prompt, at) => this.#choicesFor(prompt, at));
    this.#unfinished = this.#choices.length;
    around.record.id = ask.id;
    around.record.promptTokens = ask.prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    this.#wire = openWire({
      onEnd: (how) => this.#end(how),
      onStall: () => this.#seats.forEach((seat) => ask.model.engine.freeze(seat)),
      onKill: around.kill,
    });
    this.#wire.onReady(() => this.#flush());
  }

  #choicesFor(prompt: readonly number[], promptAt: number): Choice[] {
    const { sampling, model, scriptFor } = this.#ask;
    const room = Math.max(1, model.engine.profile.contextTokens - prompt.length);
    const completionTokensMax = Math.max(1, Math.min(sampling.completionTokensMax ?? room, room));
    return Array.from({ length: sampling.n }, (_, sample) => {
      const index = promptAt * sampling.n + sample;
      return new Choice({ index, sample }, model.name, prompt, {
        sampling,
        completionTokensMax,
        voice: model.voice,
        script: scriptFor(index),
      });
    });
  }

  async start() {
    if (this.#ask.isStream) this.#wire.openStream();
    const slow = this.#around.rules.find(({ kind }) => kind === "slow-first-token");
    if (slow) await this.#around.sleep(slow.ms ?? 1_000);
    if (!this.#wire.isOpen) return;
    this.#seats = this.#choices.map((choice) => this.#ask.model.engine.submit(this.#watched(choice)));
  }

  /** The engine steps the choice; what came of it goes out in the same breath. */
  #watched(choice: Choice) {
    return {
      tokens: choice.tokens,
      salt: choice.salt,
      priority: choice.priority,
      step: () => {
        const reason = choice.step();
        if (reason !== null) this.#unfinished--;
        this.#around.record.generatedTokens++;
        if (this.#ask.isStream) this.#tell(choice);
        if (this.#unfinished === 0) this.#complete();
        return reason;
      },
    };
  }

  #tell(choice: Choice) {
    if (!this.#wire.isReady || !choice.hasNews) return;
    if (choice.pendingTokens < this.#around.tokensPerChunk && this.#hasOpened && !choice.hasEnded) return;
    this.#open();
    const delta = choice.take();
    const tally = this.#tallyOf([choice]);
    // A fault may end the answer within the write, so the count comes after it, and before anyone is told.
    if (this.#wire.event(this.#scribe.chunk(choice, delta, tally))) this.#count(delta);
  }

  #open() {
    if (this.#hasOpened) return;
    this.#hasOpened = true;
    for (const chunk of this.#scribe.opening(this.#tally())) this.#wire.event(chunk);
  }

  #count(delta: Delta) {
    this.#around.record.emittedTokens += delta.tokens.length;
    if (delta.finish !== null) this.#around.record.finishReasons.push(delta.finish);
  }

  /** The socket has room again: what has gathered goes out. */
  #flush() {
    if (!this.#ask.isStream) return;
    for (const choice of this.#choices) this.#tell(choice);
    if (this.#unfinished === 0) this.#complete();
  }

  #complete() {
    if (!this.#wire.isOpen) return;
    if (!this.#ask.isStream) {
      const all = this.#choices.map((choice) => ({ choice, delta: choice.take() }));
      this.#around.record.status = 200;
      if (this.#wire.whole(200, this.#scribe.whole(all, this.#tally())))
        for (const { delta } of all) this.#count(delta);
      return this.#close("completed");
    }
    if (this.#choices.some((choice) => choice.hasNews)) return;
    const closing = this.#ask.usage.isFinal ? this.#scribe.closing(this.#tally()) : null;
    if (closing !== null) this.#wire.event(closing);
    this.#wire.done();
    this.#close("completed");
  }

  #tally(): Tally {
    return { ...this.#tallyOf(this.#choices), promptTokens: this.#around.record.promptTokens };
  }

  #tallyOf(choices: readonly Choice[]): Tally {
    const [seat] = this.#seats;
    return {
      promptTokens: choices[0]?.promptTokens ?? 0,
      completionTokens: choices.reduce((sum, choice) => sum + choice.completionTokens, 0),
      cachedTokens: seat?.cachedTokens ?? 0,
      createdTokens: seat?.createdTokens ?? 0,
    };
  }

  #end(how: "cancelled" | "failed" | "error") {
    for (const seat of this.#seats) this.#ask.model.engine.abort(seat);
    this.#close(how);
  }

  #close(outcome: OracleRecord["outcome"]) {
    const { record } = this.#around;
    if (record.outcome !== "open") return;
    if (outcome === "completed" && !this.#wire.isDone) return;
    record.outcome = outcome;
    record.cachedTokens = this.#seats[0]?.cachedTokens ?? 0;
    record.endedAtMs = Math.round(this.#around.now());
  }
}
