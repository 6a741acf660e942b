import type { Work } from "../engine/sequence.ts";
import { hashText, mix } from "../text/hash.ts";
import type { SamplingParams } from "./sampling.ts";
import type { AnswerScript } from "../text/script.ts";
import { detokenize, Detokenizer } from "../text/tokenizer.ts";
import { endOfAnswer, type TokenGenerator } from "../text/generator.ts";

/** What a choice has made since the last `take`. */
export interface Delta {
  text: string;
  reasoning: string;
  tokens: number[];
  /** A tool call has begun; `args` may follow in this delta or a later one. */
  isCall: boolean;
  args: string;
  finish: "stop" | "length" | null;
  stopReason: string | number | null;
}

const makeDelta = (): Delta => ({
  text: "",
  reasoning: "",
  tokens: [],
  isCall: false,
  args: "",
  finish: null,
  stopReason: null,
});

/**
 * One answer in the making: draws tokens, turns them into text, and knows when it ends. The engine calls `step`, and
 * the server takes the result.
 */
export class Choice implements Work {
  readonly index: number;
  readonly tokens: number[];
  readonly promptTokens: number;
  readonly #sampling: SamplingParams;
  readonly #completionTokensMax: number;
  readonly #nextToken: TokenGenerator;
  readonly #script: AnswerScript | null;
  readonly #thinkingTokens: number;
  readonly #decoder = new Detokenizer();
  readonly #salt: number;
  readonly #heldBackChars: number;
  #hash: number;
  #last: number;
  #held = "";
  #delta = makeDelta();
  #hasCalled = false;

  constructor(
    { index, sample }: { index: number; sample: number },
    model: string,
    prompt: readonly number[],
    maker: {
      sampling: SamplingParams;
      completionTokensMax: number;
      nextToken: TokenGenerator;
      script: AnswerScript | null;
      /** So many tokens of an answer without a script are reasoning. */
      thinkingTokens: number;
    },
  ) {
    this.index = index;
    this.tokens = [...prompt];
    this.promptTokens = prompt.length;
    this.#sampling = maker.sampling;
    this.#completionTokensMax = maker.completionTokensMax;
    this.#nextToken = maker.nextToken;
    this.#script = maker.script;
    this.#thinkingTokens = maker.script === null ? maker.thinkingTokens : 0;
    // Greedy answers know no seed; samples of one request differ by their number.
    const { isGreedy, seed } = maker.sampling;
    this.#salt = mix(isGreedy || seed === null ? 0 : hashText(String(seed)), sample);
    this.#heldBackChars = Math.max(0, ...maker.sampling.stops.map((stop) => stop.length - 1));
    this.#hash = prompt.reduce(mix, hashText(model));
    this.#last = prompt.at(-1) ?? 0;
  }

  get priority(): number {
    return this.#sampling.priority;
  }

  get salt(): string {
    return this.#sampling.salt;
  }

  get completionTokens(): number {
    return this.tokens.length - this.promptTokens;
  }

  /** The tool this answer calls; empty when it calls none. */
  get toolName(): string {
    return this.#script?.tool?.name ?? "";
  }

  get isToolNamed(): boolean {
    return this.#script?.tool?.isNamed ?? false;
  }

  /** Whether the tool was the model's own idea (`auto`). */
  get isToolFree(): boolean {
    return this.#script?.tool?.isFree ?? false;
  }

  /** Whether the call's name has been reached. */
  get hasCalled(): boolean {
    return this.#hasCalled;
  }

  /** All that was generated, tags of a tool call included. */
  get rawText(): string {
    return detokenize(this.tokens.slice(this.promptTokens).filter((token) => token !== endOfAnswer));
  }

  /** Whether a chunk is due: there is something to send. */
  get hasNews(): boolean {
    const { text, reasoning, args, isCall, finish, tokens } = this.#delta;
    return (
      text !== "" ||
      reasoning !== "" ||
      args !== "" ||
      isCall ||
      finish !== null ||
      (tokens.length > 0 && (this.#sampling.hasTokenIds || this.#sampling.logprobs !== null))
    );
  }

  /** Whether the end has come and has not been handed over yet. */
  get hasEnded(): boolean {
    return this.#delta.finish !== null;
  }

  /** Tokens made since the last `take`. */
  get pendingTokens(): number {
    return this.#delta.tokens.length;
  }

  /** Hands over what has been made since the last time. */
  take(): Delta {
    const delta = this.#delta;
    this.#delta = makeDelta();
    return delta;
  }

  step(): "stop" | "length" | null {
    const at = this.completionTokens;
    const token = this.#drawToken(at);
    this.tokens.push(token);
    this.#hash = mix(this.#hash, token);
    this.#last = token;
    const delta = this.#delta;
    delta.tokens.push(token);
    const mayStop = at >= this.#sampling.minTokens;
    if (token === endOfAnswer && !this.#sampling.isEndIgnored) return this.#finish("stop", null);
    if (mayStop && this.#sampling.stopTokenIds.includes(token)) {
      if (this.#sampling.hasStopInOutput) this.#held += this.#decoder.push(token);
      return this.#finish("stop", token);
    }
    const stop = this.#append(token, at, mayStop);
    if (stop !== null) return this.#finish("stop", stop);
    return at + 1 >= this.#completionTokensMax ? this.#finish("length", null) : null;
  }

  #drawToken(at: number): number {
    const { minTokens, isEndIgnored, forcedToken } = this.#sampling;
    if (this.#script) return this.#script.tokens[at] ?? endOfAnswer;
    if (forcedToken !== null) return forcedToken;
    return this.#nextToken(this.#last, mix(this.#hash, this.#salt), at >= minTokens && !isEndIgnored);
  }

  /** Adds a token's text; the stop string it completes, if any. */
  #append(token: number, at: number, mayStop: boolean): string | null {
    const part = this.#script?.parts[at] ?? (at < this.#thinkingTokens ? "reasoning" : "text");
    if (part !== "text") {
      const text = this.#decoder.push(token);
      if (part === "reasoning" && token !== endOfAnswer) this.#delta.reasoning += text;
      if (part === "call") this.#delta.isCall = this.#hasCalled = true;
      if (part === "arguments") this.#delta.args += text;
      return null;
    }
    if (token === endOfAnswer) return null;
    this.#held += this.#decoder.push(token);
    const stop = mayStop ? this.#sampling.stops.find((candidate) => this.#held.includes(candidate)) : undefined;
    if (stop !== undefined) {
      this.#held = this.#held.slice(0, this.#held.indexOf(stop) + (this.#sampling.hasStopInOutput ? stop.length : 0));
      return stop;
    }
    this.#release(this.#heldBackChars);
    return null;
  }

  #release(heldBack: number) {
    let length = this.#held.length - heldBack;
    const isSplit = length > 0 && length < this.#held.length && /[\ud800-\udbff]/.test(this.#held.charAt(length - 1));
    if (isSplit) length--;
    if (length <= 0) return;
    this.#delta.text += this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
  }

  #finish(reason: "stop" | "length", stopReason: string | number | null): "stop" | "length" {
    if (reason === "length") this.#held += this.#decoder.flush();
    this.#release(0);
    this.#delta.finish = reason;
    this.#delta.stopReason = stopReason;
    return reason;
  }
}
