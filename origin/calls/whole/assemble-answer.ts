import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { isChat, type CallPath } from "#edge/agreements/paths.ts";
import { hideReasoning } from "../answer-parts.ts";
import { ChunkCounter, readIndex, type CounterOptions } from "../stream/chunk-counter.ts";
import type { PayloadReader } from "../stream/stream-answer.ts";
import type { UsageMeter } from "../usage-meter.ts";
import { ChoiceAssembly } from "./assemble-choice.ts";

/** What the assembly of a whole answer needs to know about its call. */
export interface AssemblyOptions extends CounterOptions {
  path: CallPath;
  /** The caller wants no reasoning. They pay for it all the same. */
  hidesReasoning: boolean;
  charsMax: number;
}

/** Members of a chunk that are not the answer's: its own name, its choices, and the padding against eavesdroppers. */
const chunkMembers: ReadonlySet<string> = new Set(["object", "choices", "usage", "obfuscation"]);

/** What has come says something, but nothing of it goes to the caller before the end. */
const taken = ".";

/**
 * Puts an engine's stream together to the whole answer that the engine would have given, and counts it as a stream is
 * counted. Of the members beside the choices the last that is not null counts; usage is that of the whole call.
 */
export class AnswerAssembly implements PayloadReader {
  #counter: ChunkCounter;
  #options: AssemblyOptions;
  #members: JsonObject = {};
  #choices = new Map<number, ChoiceAssembly>();
  #usage: JsonObject | null = null;
  #chars = 0;

  constructor(meter: UsageMeter, options: AssemblyOptions) {
    this.#counter = new ChunkCounter(meter, options);
    this.#options = options;
  }

  get responseId(): string | null {
    return this.#counter.responseId;
  }

  /** Every choice that has begun has finished. */
  get hasFinished(): boolean {
    return this.#choices.size > 0 && Array.from(this.#choices.values()).every((choice) => choice.hasFinished);
  }

  get isWhole(): boolean {
    return this.#counter.isWhole;
  }

  /** It would be larger than it may be. What has come is let go. */
  get isTooLarge(): boolean {
    return this.#chars > this.#options.charsMax;
  }

  read(payload: string): string | null {
    const counted = this.#counter.read(payload);
    if (counted === null || counted === "") return counted;
    const { chunk, choices } = counted;
    for (const name in chunk)
      if (!chunkMembers.has(name)) this.#members[name] = chunk[name] ?? this.#members[name] ?? null;
    this.#takeUsage(chunk["usage"], choices.length);
    for (const choice of this.#options.hidesReasoning ? hideReasoning(choices) : choices) {
      this.#chars += countChars(choice, payload);
      if (this.isTooLarge) return this.#letGo();
      this.#findChoice(readIndex(choice, this.#options.choices)).add(choice);
    }
    return taken;
  }

  frame(payload: string): string {
    return payload;
  }

  /** The whole answer, with the engine's own name of the model. */
  build(): JsonObject {
    const isOfChat = isChat(this.#options.path);
    const { id, created, model, ...members } = this.#members;
    return {
      id,
      object: isOfChat ? "chat.completion" : "text_completion",
      created,
      model,
      choices: Array.from(this.#choices.values())
        .sort((one, other) => one.index - other.index)
        .map((choice) => (isOfChat ? choice.buildChat() : choice.buildCompletion())),
      ...members,
      ...(this.#usage && { usage: this.#usage }),
    };
  }

  /** Beside choices stands usage that is still running, or of one choice alone, unless an engine sends no other. */
  #takeUsage(usage: unknown, choices: number): void {
    if (!isObject(usage)) return;
    const { hasContinuousUsage, isUsageOfOneChoice } = this.#options;
    if (choices === 0 || (!hasContinuousUsage && (!isUsageOfOneChoice || this.#options.choices === 1)))
      this.#usage = usage;
  }

  #findChoice(index: number): ChoiceAssembly {
    const known = this.#choices.get(index);
    if (known) return known;
    const added = new ChoiceAssembly(index);
    this.#choices.set(index, added);
    return added;
  }

  #letGo(): null {
    this.#choices.clear();
    return null;
  }
}

/** What a chunk adds to the answer: its text, or all of it where it carries logprobs, token ids or anything else. */
function countChars(choice: JsonObject, payload: string): number {
  if (isObject(choice["logprobs"]) || Array.isArray(choice["token_ids"])) return payload.length;
  const { text, delta } = choice;
  if (typeof text === "string") return text.length;
  if (!isObject(delta)) return payload.length;
  const { content } = delta;
  return typeof content === "string" ? content.length : payload.length;
}
