import { Choice, type Delta } from "./choice.ts";
import type { SequenceHandle } from "../engine/sequence.ts";
import type { FaultRule } from "../faults.ts";
import type { OracleRecord } from "../text/oracle.ts";
import type { SamplingParams, UsageOptions } from "./sampling.ts";
import type { AnswerScript } from "../text/script.ts";
import type { ServedModel } from "../served-model.ts";
import type { StreamWriter } from "./stream-writer.ts";

/** A call that has been read and checked: what is to be generated. */
export interface CallRequest {
  id: string;
  model: ServedModel;
  prompts: readonly (readonly number[])[];
  sampling: SamplingParams;
  isStream: boolean;
  usage: UsageOptions;
  /** An answer with a form, for each choice; `null` when it is free. */
  scriptFor: (index: number) => AnswerScript | null;
  /** So many tokens of a free answer are reasoning. */
  thinkingTokens: number;
}

/** Counts of one answer, as `usage` has them. */
export interface UsageCounts {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number;
  createdTokens: number;
}

/** How an endpoint writes its answers. Every string is JSON; `null` leaves a chunk out. */
export interface AnswerSerializer {
  /** What a stream begins with, once the first token is there. */
  opening(counts: UsageCounts): string[];
  /** `counts` are this choice's own so far. */
  chunk(choice: Choice, delta: Delta, counts: UsageCounts): string;
  /** The usage chunk that ends a stream. */
  closing(counts: UsageCounts): string | null;
  /** A whole answer, of all that each choice has made. */
  whole(choices: readonly { choice: Choice; delta: Delta }[], counts: UsageCounts): string;
}

/** What a call runs in. */
export interface CallContext {
  rules: readonly FaultRule[];
  record: OracleRecord;
  tokensPerChunk: number;
  sleep(ms: number): Promise<void>;
  now(): number;
  kill(): void;
  /** The caller went before there was anything to write to. */
  isLeft(): boolean;
}

/**
 * Generates and answers one call that has been admitted. Whatever happens is in the record. Aborts the engine's work
 * the moment the caller leaves.
 */
export async function generateAnswer(
  request: CallRequest,
  serializer: AnswerSerializer,
  openWriter: (events: ConstructorParameters<typeof StreamWriter>[2]) => StreamWriter,
  context: CallContext,
): Promise<void> {
  const run = new Generation(request, serializer, openWriter, context);
  await run.start();
}

class Generation {
  readonly #request: CallRequest;
  readonly #serializer: AnswerSerializer;
  readonly #writer: StreamWriter;
  readonly #context: CallContext;
  readonly #choices: Choice[];
  #sequences: SequenceHandle[] = [];
  #unfinished: number;
  #hasOpened = false;

  constructor(
    request: CallRequest,
    serializer: AnswerSerializer,
    openWriter: (events: ConstructorParameters<typeof StreamWriter>[2]) => StreamWriter,
    context: CallContext,
  ) {
    this.#request = request;
    this.#serializer = serializer;
    this.#context = context;
    this.#choices = request.prompts.flatMap((prompt, at) => this.#choicesFor(prompt, at));
    this.#unfinished = this.#choices.length;
    context.record.id = request.id;
    context.record.promptTokens = request.prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    this.#writer = openWriter({
      onEnd: (how) => this.#end(how),
      onStall: () => this.#sequences.forEach((sequence) => request.model.engine.freeze(sequence)),
      onKill: context.kill,
    });
    this.#writer.onReady(() => this.#flush());
  }

  #choicesFor(prompt: readonly number[], promptAt: number): Choice[] {
    const { sampling, model, scriptFor, thinkingTokens } = this.#request;
    const room = Math.max(1, model.engine.profile.contextTokens - prompt.length);
    const completionTokensMax = Math.max(1, Math.min(sampling.completionTokensMax ?? room, room));
    return Array.from({ length: sampling.n }, (_, sample) => {
      const index = promptAt * sampling.n + sample;
      return new Choice({ index, sample }, model.name, prompt, {
        sampling,
        completionTokensMax,
        nextToken: model.nextToken,
        script: scriptFor(index),
        thinkingTokens,
      });
    });
  }

  async start() {
    if (this.#context.isLeft()) return this.#end("cancelled");
    if (this.#request.isStream) this.#writer.openStream();
    const slow = this.#context.rules.find(({ kind }) => kind === "slow-first-token");
    if (slow) await this.#context.sleep(slow.ms ?? 1_000);
    if (!this.#writer.isOpen) return;
    this.#sequences = this.#choices.map((choice) => this.#request.model.engine.submit(this.#makeWork(choice)));
  }

  /** The engine steps the choice; the result goes out at once. */
  #makeWork(choice: Choice) {
    return {
      tokens: choice.tokens,
      salt: choice.salt,
      priority: choice.priority,
      step: () => {
        const reason = choice.step();
        if (reason !== null) this.#unfinished--;
        this.#context.record.generatedTokens++;
        if (this.#request.isStream) this.#write(choice);
        if (this.#unfinished === 0) this.#complete();
        return reason;
      },
    };
  }

  #write(choice: Choice) {
    if (!this.#writer.isReady || !choice.hasNews) return;
    if (choice.pendingTokens < this.#context.tokensPerChunk && this.#hasOpened && !choice.hasEnded) return;
    this.#writeOpening();
    const delta = choice.take();
    const counts = this.#countChoices([choice]);
    // A fault may end the answer within the write, so the count comes after it, and before anyone is told.
    if (this.#writer.event(this.#serializer.chunk(choice, delta, counts))) this.#record(delta);
  }

  #writeOpening() {
    if (this.#hasOpened) return;
    this.#hasOpened = true;
    for (const chunk of this.#serializer.opening(this.#countAll())) this.#writer.event(chunk);
  }

  #record(delta: Delta) {
    this.#context.record.emittedTokens += delta.tokens.length;
    if (delta.finish !== null) this.#context.record.finishReasons.push(delta.finish);
  }

  /** The socket has room again: what has gathered goes out. */
  #flush() {
    if (!this.#request.isStream) return;
    for (const choice of this.#choices) this.#write(choice);
    if (this.#unfinished === 0) this.#complete();
  }

  #complete() {
    if (!this.#writer.isOpen) return;
    if (!this.#request.isStream) {
      const all = this.#choices.map((choice) => ({ choice, delta: choice.take() }));
      this.#context.record.status = 200;
      if (this.#writer.whole(200, this.#serializer.whole(all, this.#countAll())))
        for (const { delta } of all) this.#record(delta);
      return this.#close("completed");
    }
    if (this.#choices.some((choice) => choice.hasNews)) return;
    const closing = this.#request.usage.isFinal ? this.#serializer.closing(this.#countAll()) : null;
    if (closing !== null) this.#writer.event(closing);
    this.#writer.done();
    this.#close("completed");
  }

  #countAll(): UsageCounts {
    return { ...this.#countChoices(this.#choices), promptTokens: this.#context.record.promptTokens };
  }

  #countChoices(choices: readonly Choice[]): UsageCounts {
    const [sequence] = this.#sequences;
    return {
      promptTokens: choices[0]?.promptTokens ?? 0,
      completionTokens: choices.reduce((sum, choice) => sum + choice.completionTokens, 0),
      cachedTokens: sequence?.cachedTokens ?? 0,
      createdTokens: sequence?.createdTokens ?? 0,
    };
  }

  #end(how: "cancelled" | "failed" | "error") {
    for (const sequence of this.#sequences) this.#request.model.engine.abort(sequence);
    this.#close(how);
  }

  #close(outcome: OracleRecord["outcome"]) {
    const { record } = this.#context;
    if (record.outcome !== "open") return;
    if (outcome === "completed" && !this.#writer.isDone) return;
    record.outcome = outcome;
    record.cachedTokens = this.#sequences[0]?.cachedTokens ?? 0;
    record.endedAtMs = Math.round(this.#context.now());
  }
}
