import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { hideReasoning } from "../answer-parts.ts";
import { readBilledUsage, type UsageMeter } from "../usage-meter.ts";
import { ChunkCounter, type CounterOptions } from "./chunk-counter.ts";
import type { PayloadReader } from "./stream-answer.ts";

/** What the rewriter of a stream needs to know about its call. */
export interface RewriterOptions extends CounterOptions {
  /** The id that the caller sees, whatever the engine calls its model. */
  model: string;
  /** The caller asked for the usage chunk, and for usage on every chunk. */
  wantsUsage: boolean;
  wantsContinuousUsage: boolean;
  /** The caller wants no reasoning. They pay for it all the same. */
  hidesReasoning: boolean;
}

const choicesStart = '"choices":[';
const usageStart = '],"usage":{"prompt_tokens":';
const completionStart = '"completion_tokens":';
/** Text that is not empty, as JSON; digits that JavaScript can count with. */
const text = String.raw`"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+"`;
const count = String.raw`(?:0|[1-9]\d{0,14})`;
const ids = String.raw`(?:null|\[${count}(?:,${count})*\])`;
const textDelta = String.raw`(?:"role":"assistant",)?"(?:content|reasoning|reasoning_content)":${text}`;
const toolCall = String.raw`\{"index":${count},"function":\{"arguments":${text}\}\}`;
const delta = String.raw`${textDelta}|(?:"content":null,)?"tool_calls":\[${toolCall}\]`;
const chat = String.raw`"delta":\{(?:${delta})\},"logprobs":null,"finish_reason":null`;
const unfinished = String.raw`"logprobs":null,"finish_reason":null`;
const completion = String.raw`"text":${text},${unfinished},"stop_reason":null(?:,"prompt_token_ids":null)?`;
const counts = String.raw`"prompt_tokens":${count},"total_tokens":${count},"completion_tokens":${count}`;
const usage = String.raw`,"usage":\{${counts}(?:,"completion_tokens_details":null)?\}`;
/**
 * What vLLM writes behind `"choices":[` for a token in the middle of a stream, and nothing else: one choice with
 * something in it, and its usage. Whatever is written otherwise (other members, another order, spaces, escaped names)
 * is parsed.
 */
const tokenChunk = new RegExp(
  String.raw`\{"index":0,(?:${chat}|${completion})(?:,"token_ids":${ids})?\}\](?:${usage})?\}$`,
  "y",
);

/**
 * Reads the payloads of one stream: counts, and gives back what the caller may see. All chunks of a stream begin alike,
 * so the beginning is parsed once and compared after that, and usage is cut off the end by position; anything that is
 * not written as vLLM writes a token is parsed. Payloads are Latin-1 (see sse-decoder.ts).
 */
export class ChunkRewriter implements PayloadReader {
  hasSentUsage = false;
  #counter: ChunkCounter;
  #meter: UsageMeter;
  #options: RewriterOptions;
  #headIn = "";
  #headOut = "";

  constructor(meter: UsageMeter, options: RewriterOptions) {
    this.#counter = new ChunkCounter(meter, options);
    this.#meter = meter;
    this.#options = options;
  }

  get responseId(): string | null {
    return this.#counter.responseId;
  }

  get hasFinished(): boolean {
    return this.#counter.hasFinished;
  }

  get isWhole(): boolean {
    return this.#counter.isWhole;
  }

  /**
   * The payload for the caller; "" when there is nothing in it for them; `null` when it is an error or no chunk at all.
   */
  read(payload: string): string | null {
    return this.#readFast(payload) ?? this.#readWhole(payload);
  }

  frame(payload: string): string {
    return `data: ${payload}\n\n`;
  }

  /** `null`: not a token's chunk that begins as the others did. */
  #readFast(payload: string): string | null {
    const head = this.#headIn;
    if (head === "" || !payload.startsWith(head)) return null;
    tokenChunk.lastIndex = head.length;
    if (!tokenChunk.test(payload)) return null;
    this.#meter.noteContent();
    // In JSON this text stands where an array ends and nowhere else: within a string its quotes would be escaped.
    const cut = payload.indexOf(usageStart, head.length);
    if (cut < 0) return this.#headOut + payload.slice(head.length);
    const prompt = readDigits(payload, cut + usageStart.length);
    const completion = readDigits(payload, payload.indexOf(completionStart, cut) + completionStart.length);
    this.#meter.noteChoice(0, { prompt, completion, cached: null });
    return this.#options.wantsContinuousUsage
      ? this.#headOut + payload.slice(head.length)
      : `${this.#headOut}${payload.slice(head.length, cut)}]}`;
  }

  #readWhole(payload: string): string | null {
    const counted = this.#counter.read(payload);
    if (counted === null || counted === "") return counted;
    const { chunk, choices } = counted;
    if (choices.length === 0) return this.#rewriteUsageChunk(chunk);
    if (this.#options.hidesReasoning) {
      const shown = hideReasoning(choices);
      if (shown.length === 0) return "";
      chunk["choices"] = shown;
    }
    if (!this.#options.wantsContinuousUsage) delete chunk["usage"];
    if ("model" in chunk) chunk["model"] = this.#options.model;
    this.#learnHead(payload);
    return toLatin1(JSON.stringify(chunk));
  }

  /**
   * A chunk without choices is the usage chunk, or an extension that nobody asked for. It shows what will be billed.
   */
  #rewriteUsageChunk(chunk: JsonObject): string {
    if (!this.#options.wantsUsage || !isObject(chunk["usage"])) return "";
    this.hasSentUsage = true;
    const usage = { ...chunk["usage"], ...readBilledUsage(this.#meter) };
    return toLatin1(JSON.stringify({ ...chunk, model: this.#options.model, usage }));
  }

  /** Writes the usage chunk that the caller asked for and the engine did not send. */
  writeUsageChunk(nowMs: number, object: string): string {
    const created = Math.floor(nowMs / 1_000);
    const usage = readBilledUsage(this.#meter);
    return toLatin1(
      JSON.stringify({ id: this.responseId, object, created, model: this.#options.model, choices: [], usage }),
    );
  }

  /** Only where chunks carry one choice's count, and nothing to hide, can they be read by position. */
  #learnHead(payload: string): void {
    const end = payload.indexOf(choicesStart);
    const { choices, hasContinuousUsage, hidesReasoning } = this.#options;
    if (end < 0 || choices !== 1 || !hasContinuousUsage || hidesReasoning) return;
    const head = payload.slice(0, end + choicesStart.length);
    // A payload that came in several lines goes out in one: its line feeds would end the event.
    if (head.includes('"usage"') || head.includes('"error"') || head.includes("\n")) return;
    const model = toLatin1(JSON.stringify(this.#options.model));
    this.#headIn = head;
    this.#headOut = head.replace(/"model":"(?:[^"\\]|\\.)*"/, () => `"model":${model}`);
  }
}

function readDigits(text: string, from: number): number {
  let value = 0;
  for (let at = from; ; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return value;
    value = value * 10 + digit;
  }
}

function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
