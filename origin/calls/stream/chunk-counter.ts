import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { hasContent, hasGivenUp, hasReasoning, isError } from "../answer-parts.ts";
import type { UsageMeter } from "../usage-meter.ts";
import { findUsageText, readCounts } from "../usage-text.ts";

/** How the chunks of one stream are to be counted. */
export interface CounterOptions {
  /** How many choices stream at once, over all prompts. */
  choices: number;
  /** The engine reports usage on every chunk, for each choice; else any usage is of the whole call. */
  hasContinuousUsage: boolean;
  /** Usage beside a choice is that choice's alone, also where it comes once. */
  isUsageOfOneChoice: boolean;
}

/** A chunk, with its choices as far as they are objects. */
export interface CountedChunk {
  chunk: JsonObject;
  choices: JsonObject[];
}

/**
 * Parses the payloads of one stream, whatever becomes of them, and counts them. Payloads are Latin-1 (see
 * sse-decoder.ts).
 */
export class ChunkCounter {
  /** The id that the caller sees; `null` before the first chunk. */
  responseId: string | null = null;
  #meter: UsageMeter;
  #options: CounterOptions;
  #finished = new Set<number>();

  constructor(meter: UsageMeter, options: CounterOptions) {
    this.#meter = meter;
    this.#options = options;
  }

  /** Some choice has finished: without that, `[DONE]` is no success. */
  get hasFinished(): boolean {
    return this.#finished.size > 0;
  }

  /** Every choice has finished and its usage is known: nothing is missing but `[DONE]`. */
  get isWhole(): boolean {
    const { choices } = this.#options;
    return this.#finished.size >= choices && this.#meter.hasUsage(choices);
  }

  /** "" when the payload says nothing; `null` when it is an error, no chunk at all, or gives a choice up. */
  read(payload: string): CountedChunk | "" | null {
    // An event with empty data says nothing; llama.cpp's server begins a stream of several prompts with null.
    if (payload === "null" || payload.trim() === "") return "";
    const json = Buffer.from(payload, "latin1").toString("utf8");
    const chunk = parseObject(json);
    if (chunk === null || isError(chunk) || !Array.isArray(chunk["choices"])) return null;
    const choices = chunk["choices"].filter(isObject);
    if (typeof chunk["id"] === "string") this.responseId ??= chunk["id"].slice(0, 128);
    this.#count(json, choices);
    if (choices.some(hasGivenUp)) return null;
    for (const choice of choices)
      if (typeof choice["finish_reason"] === "string") this.#finished.add(readIndex(choice, this.#options.choices));
    return { chunk, choices };
  }

  #count(json: string, choices: JsonObject[]): void {
    const usage = findUsageText(json);
    const [first] = choices;
    if (usage !== null) {
      const counts = readCounts(usage);
      const isOfOneChoice = this.#options.hasContinuousUsage || this.#options.isUsageOfOneChoice;
      if (!first || !isOfOneChoice) this.#meter.noteTotal(counts);
      else this.#meter.noteChoice(readIndex(first, this.#options.choices), counts);
    }
    for (const choice of choices) {
      if (!hasContent(choice)) continue;
      this.#meter.noteContent();
      if (hasReasoning(choice)) this.#meter.noteReasoning();
    }
  }
}

/** Which choice this is; what is no index, or none of this call's, counts as the first. */
export function readIndex(choice: JsonObject, choices: number): number {
  const index = choice["index"];
  return typeof index === "number" && Number.isInteger(index) && index >= 0 && index < choices ? index : 0;
}
