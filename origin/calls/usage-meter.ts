import type { Counts } from "./usage-text.ts";

/** What one call may use, as its hold says, and how its answer is laid out. */
export interface MeterBounds {
  tokensHeld: number;
  /** Over all choices. */
  completionTokensMax: number;
  /** Choices of each prompt; choice `i` belongs to prompt `i / choicesPerPrompt`. */
  choicesPerPrompt: number;
  /** Chunks with text that nobody generated: `echo` sends the prompt back. */
  echoChunks: number;
  /** What a unit counts as, in tokens; undefined where the engine's own counts are billed. */
  unitTokens?: number | undefined;
}

/**
 * The bill of a call, as far as it is known. `promptTokens` is null until the engine or its tokenizer reports it; it
 * may be more than was held for it, but by no more than all of the hold again.
 */
export interface Bill {
  promptTokens: number | null;
  cachedTokens: number;
  completionTokens: number;
  /** Seconds, characters, images or documents; 0 where nobody has counted any. */
  units: number;
}

const countMax = 1_000_000_000;

/**
 * Counts what one call used. The engine's last report counts within bounds: never less than the chunks that carried
 * text (each took a token at least), of completions never more than the hold (Q4). With several choices vLLM reports
 * each choice's own count, so they are summed.
 */
export class UsageMeter {
  #bounds: MeterBounds;
  #contentChunks = 0;
  #prompts: number[] = [];
  #completions: number[] = [];
  #total: Counts | null = null;
  #promptKnown: number | null = null;
  #units: number | null = null;
  #cached = 0;
  #reasoning = 0;

  constructor(bounds: MeterBounds) {
    this.#bounds = bounds;
  }

  /** A chunk brought text, reasoning or a piece of a tool call. */
  noteContent(): void {
    this.#contentChunks++;
  }

  /** What has been generated so far ends with reasoning: a chunk brought some. */
  noteReasoning(): void {
    this.#reasoning = this.completionSoFar;
  }

  /** How much of what was generated is reasoning: all up to the last chunk that brought some. Of one choice alone. */
  get reasoningTokens(): number {
    return Math.min(this.#reasoning, this.read().completionTokens);
  }

  /** The running count of one choice. Values that are no counts change nothing. */
  noteChoice(choice: number, counts: Counts): void {
    if (counts.completion !== null) this.#completions[choice] = counts.completion;
    if (counts.prompt !== null) this.#prompts[Math.floor(choice / this.#bounds.choicesPerPrompt)] = counts.prompt;
    if (counts.cached !== null) this.#cached = counts.cached;
  }

  /** The count of the whole call, which comes last. */
  noteTotal(counts: Counts): void {
    this.#total = counts;
    if (counts.cached !== null) this.#cached = counts.cached;
  }

  /** What a tokenizer counted, for engines that report nothing. */
  notePrompt(tokens: number): void {
    this.#promptKnown = tokens;
  }

  /** What was served, in the call's own units. */
  noteUnits(units: number): void {
    this.#units = units;
  }

  noteCompletion(tokens: number): void {
    this.#total = { prompt: this.#total?.prompt ?? null, completion: tokens, cached: null };
  }

  /** True when the engine never reported how many tokens it generated. */
  get isCompletionUnknown(): boolean {
    return this.#total?.completion === null || (this.#total === null && this.#completions.length === 0);
  }

  /** True when the engine reported what it generated, for the whole call or for each of its choices. */
  hasUsage(choices: number): boolean {
    if (this.#total) return this.#total.completion !== null;
    return Object.keys(this.#completions).length >= choices;
  }

  /** How many chunks brought something, also something that the caller does not see. */
  get contentChunks(): number {
    return this.#contentChunks;
  }

  get hasContent(): boolean {
    return this.#contentChunks > 0;
  }

  /** The engine generated more than the hold covers: its answer must stop here. */
  get isOverHold(): boolean {
    return this.#contentChunks - this.#bounds.echoChunks > this.#bounds.completionTokensMax;
  }

  /** Tokens generated so far; cheap enough to read at every chunk. */
  get completionSoFar(): number {
    const reported = this.#total?.completion ?? sum(this.#completions);
    return Math.max(reported, this.#contentChunks - this.#bounds.echoChunks);
  }

  /** What was held for the prompt. */
  get promptTokensHeld(): number {
    return Math.max(0, this.#bounds.tokensHeld - this.#bounds.completionTokensMax);
  }

  /** Null until somebody has counted them. */
  get unitsCounted(): number | null {
    return this.#units;
  }

  /**
   * What the engine or its tokenizer counted of the prompt, or what its units count as; `null` when nobody has counted.
   */
  get promptTokensCounted(): number | null {
    const { unitTokens } = this.#bounds;
    if (unitTokens !== undefined) return this.#units === null ? null : this.#units * unitTokens;
    return this.#total?.prompt ?? (this.#prompts.length > 0 ? sum(this.#prompts) : this.#promptKnown);
  }

  read(): Bill {
    const { tokensHeld, completionTokensMax } = this.#bounds;
    const completionTokens = Math.max(0, Math.min(this.completionSoFar, completionTokensMax, tokensHeld, countMax));
    const counted = this.promptTokensCounted;
    const promptTokens = counted === null ? null : Math.min(counted, this.promptTokensHeld + tokensHeld, countMax);
    const cachedTokens = Math.min(this.#cached, promptTokens ?? 0);
    return { promptTokens, cachedTokens, completionTokens, units: Math.min(this.#units ?? 0, countMax) };
  }
}

/** The three figures of OpenAI's usage object, as they will be billed. */
export function readBilledUsage(meter: UsageMeter): {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
} {
  const { promptTokens, completionTokens } = meter.read();
  const prompt = promptTokens ?? 0;
  return { prompt_tokens: prompt, completion_tokens: completionTokens, total_tokens: prompt + completionTokens };
}

/** A sparse list's holes are skipped by `reduce`. */
function sum(counts: number[]): number {
  if (counts.length === 1) return counts[0] ?? 0;
  return counts.reduce((total, count) => total + count, 0);
}
