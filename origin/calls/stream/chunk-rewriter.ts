import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { hasContent, hasGivenUp, isError } from "../answer-parts.ts";
import { readBilledUsage, type UsageMeter } from "../usage-meter.ts";
import { readCounts, findUsageText } from "../usage-text.ts";

/** What the rewriter of a stream needs to know about its call. */
export interface RewriterOptions {
  /** The id that the caller sees, whatever the engine calls its model. */
  model: string;
  /** How many choices stream at once, over all prompts. */
  choices: number;
  /** The caller asked for the usage chunk, and for usage on every chunk. */
  wantsUsage: boolean;
  wantsContinuousUsage: boolean;
  /** The engine reports usage on every chunk, for each choice; else any usage is of the whole call. */
  hasContinuousUsage: boolean;
  /** Usage beside a choice is that choice's alone, also where it comes once. */
  isUsageOfOneChoice: boolean;
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
export class ChunkRewriter {
  /** The id that the caller saw; `null` before the first chunk. */
  responseId: string | null = null;
  hasSentUsage = false;
  #meter: UsageMeter;
  #options: RewriterOptions;
  #finished = new Set<number>();
  #headIn = "";
  #headOut = "";

  constructor(meter: UsageMeter, options: RewriterOptions) {
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

  /**
   * The payload for the caller; "" when there is nothing in it for them; `null` when it is an error or no chunk at all.
   */
  read(payload: string): string | null {
    return this.#readFast(payload) ?? this.#readWhole(payload);
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
    if (choices.length === 0) return this.#rewriteUsageChunk(chunk);
    if (!this.#options.wantsContinuousUsage) delete chunk["usage"];
    if ("model" in chunk) chunk["model"] = this.#options.model;
    this.#learnHead(payload);
    return toLatin1(JSON.stringify(chunk));
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
    for (const choice of choices) if (hasContent(choice)) this.#meter.noteContent();
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

  /** Only where chunks carry one choice's count can they be read by position. */
  #learnHead(payload: string): void {
    const end = payload.indexOf(choicesStart);
    if (end < 0 || this.#options.choices !== 1 || !this.#options.hasContinuousUsage) return;
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

function readIndex(choice: JsonObject, choices: number): number {
  const index = choice["index"];
  return typeof index === "number" && Number.isInteger(index) && index >= 0 && index < choices ? index : 0;
}

function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
