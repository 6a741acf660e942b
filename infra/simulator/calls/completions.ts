import { randomBytes } from "node:crypto";
import type { Ask, Scribe, Tally } from "./generate-answer.ts";
import { checkLength, fitPrompt } from "./prompt.ts";
import type { Choice, Delta } from "./choice.ts";
import { tellUsage, type FaultRule } from "../faults.ts";
import { Fields } from "./fields.ts";
import { fingerprint } from "../identity.ts";
import { completionLogprobs, promptLogprobs } from "./logprobs.ts";
import { engineProblem, problem, Problem, invalid, type Flaw } from "../problems.ts";
import { checkEarly, readSampling, readUsageWish, samplingKinds, sharedFlaws } from "./sampling.ts";
import { structuredScript } from "../text/script.ts";
import { admit, type ServedModels } from "../served-model.ts";
import { detokenize, tokenize, vocabularySize } from "../text/tokenizer.ts";

const completionKinds = { ...samplingKinds, logprobs: "integer", prompt_logprobs: "integer", suffix: "text" } as const;

/** vLLM's default for completions; chat has none. */
const completionTokensDefault = 16;

/** A completion call. */
export interface CompletionAsk extends Ask {
  isEcho: boolean;
  /** `max_tokens` 0 with `echo`: the answer is the prompt and nothing else. */
  isEchoOnly: boolean;
  promptLogprobs: number | null;
}

/** Reads a body of `/v1/completions`; throws vLLM's errors. */
export function readCompletion(
  raw: Readonly<Record<string, unknown>>,
  models: ServedModels,
  requestId: string | null,
): CompletionAsk {
  checkEarly(raw);
  const { prompt } = raw;
  if (prompt === undefined || prompt === null || prompt === "") {
    if (!raw["prompt_embeds"])
      throw problem("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
  }
  const empty = findEmptyItem(prompt);
  if (empty !== null)
    throw problem("Either prompt or prompt_embeds must be provided and non-empty.", `prompt[${empty}]`);
  const fields = new Fields(raw, completionKinds, [...promptFlaws(prompt), ...sharedFlaws(raw)]);
  const model = models.find(fields.text("model"), false);
  if (fields.text("suffix"))
    throw new Problem(
      400,
      "suffix is only supported for models with FIM completion rendering",
      "BadRequestError",
      "suffix",
    );
  admit(model, fields.number("n") ?? 1);
  const { contextTokens } = model.engine.profile;
  const logprobs = fields.number("logprobs");
  const sampling = readSampling(fields, contextTokens, completionTokensDefault, logprobs);
  for (const text of fields.texts("prompt")) checkLength(text, fields, contextTokens);
  const prompts = readPrompts(prompt).map((tokens) => fitPrompt(tokens, fields, contextTokens));
  if (prompts.length === 0) throw problem("You must pass at least one prompt");
  const isEcho = fields.is("echo");
  return {
    id: `cmpl-${requestId ?? fields.text("request_id") ?? randomBytes(8).toString("hex")}`,
    model,
    prompts,
    sampling,
    isStream: fields.is("stream"),
    usage: readUsageWish(raw),
    scriptFor: (index) =>
      structuredScript(
        raw,
        `${model.name}\n${prompts.join("\n")}\n${sampling.isGreedy ? "" : (sampling.seed ?? "")}\n${index}`,
      ),
    isEcho,
    isEchoOnly: isEcho && sampling.completionTokensMax === 0,
    promptLogprobs: fields.number("prompt_logprobs") ?? (isEcho ? logprobs : null),
  };
}

const isTokenList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((token) => typeof token === "number" && Number.isInteger(token));

/** The place of the first item with nothing in it: an engine that is given no token never makes one. */
function findEmptyItem(prompt: unknown): number | null {
  if (!Array.isArray(prompt)) return null;
  const at = prompt.findIndex((item) => item === "" || (Array.isArray(item) && item.length === 0));
  return at < 0 ? null : at;
}

/** Text, texts, token ids, or lists of token ids. */
function readPrompts(prompt: unknown): number[][] {
  const list = Array.isArray(prompt) && !(isTokenList(prompt) && prompt.length > 0) ? prompt : [prompt];
  return list.map((item: unknown) => {
    if (!isTokenList(item)) return tokenize(String(item));
    const odd = item.find((token) => token < 0 || token >= vocabularySize);
    if (odd !== undefined) throw engineProblem(`Token id ${odd} is out of vocabulary`);
    return item;
  });
}

function promptFlaws(prompt: unknown): Flaw[] {
  if (prompt === undefined || prompt === null || typeof prompt === "string" || isTokenList(prompt)) return [];
  const list = { type: "list_type", loc: "body.prompt", msg: "Input should be a valid list", input: prompt };
  if (!Array.isArray(prompt))
    return [list, list, { ...list, type: "string_type", msg: "Input should be a valid string" }, list];
  if (prompt.every((item) => typeof item === "string") || prompt.every(isTokenList)) return [];
  const msg = "Input should be a valid integer, unable to parse string as an integer";
  return [{ type: "int_parsing", loc: "body.prompt.0", msg, input: prompt[0] }];
}

/** Writes completions as vLLM does, key for key. */
export class CompletionScribe implements Scribe {
  readonly #ask: CompletionAsk;
  readonly #rules: readonly FaultRule[];
  readonly #created: number;
  readonly #head: string;
  readonly #begun = new Set<number>();
  readonly #offsets = new Map<number, number>();

  constructor(ask: CompletionAsk, rules: readonly FaultRule[], nowMs: number) {
    this.#ask = ask;
    this.#rules = rules;
    this.#created = Math.floor(nowMs / 1_000);
    this.#head =
      `{"id":${JSON.stringify(ask.id)},"object":"text_completion","created":${this.#created},` +
      `"model":${JSON.stringify(ask.model.name)},"choices":[`;
  }

  opening(): string[] {
    return [];
  }

  chunk(choice: Choice, delta: Delta, tally: Tally): string {
    const { sampling, usage, isEcho } = this.#ask;
    const isFirst = !this.#begun.has(choice.index);
    this.#begun.add(choice.index);
    const prompt = this.#promptOf(choice);
    const echoed = isEcho && isFirst ? prompt : [];
    // vLLM leaves the echoed text out when it gives the ids.
    const text = (sampling.hasTokenIds ? "" : detokenize(echoed)) + (this.#ask.isEchoOnly ? "" : delta.text);
    const finish = delta.finish === null ? "null" : `"${delta.finish}"`;
    const ids = sampling.hasTokenIds ? JSON.stringify(delta.tokens) : "null";
    const promptIds = isFirst && (sampling.hasTokenIds || isEcho) ? JSON.stringify(prompt) : "null";
    const print = delta.finish !== null && !usage.isFinal ? `,"system_fingerprint":"${fingerprint}"` : "";
    return (
      `${this.#head}{"index":${choice.index},"text":${JSON.stringify(text)},` +
      `"logprobs":${this.#logprobs(choice, delta, echoed)},"finish_reason":${finish},` +
      `"stop_reason":${JSON.stringify(delta.stopReason)},"prompt_token_ids":${promptIds},"token_ids":${ids}}` +
      `]${this.#continuous(tally)}${print}}`
    );
  }

  closing({ promptTokens, completionTokens, cachedTokens }: Tally): string | null {
    const usage = tellUsage(
      {
        prompt_tokens: promptTokens,
        total_tokens: promptTokens + completionTokens,
        completion_tokens: completionTokens,
        prompt_tokens_details: { cached_tokens: cachedTokens },
      },
      this.#rules,
    );
    return usage === null ? null : `${this.#head}],"usage":${usage},"system_fingerprint":"${fingerprint}"}`;
  }

  whole(
    choices: readonly { choice: Choice; delta: Delta }[],
    { promptTokens, completionTokens, cachedTokens }: Tally,
  ): string {
    const details = { cached_tokens: cachedTokens, created_cache_tokens: null, multimodal_tokens: null };
    const counts = {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens + completionTokens,
      completion_tokens: completionTokens,
    };
    const usage = tellUsage(
      { ...counts, prompt_tokens_details: details, completion_tokens_details: null },
      this.#rules,
    );
    const head =
      `{"id":${JSON.stringify(this.#ask.id)},"object":"text_completion","created":${this.#created},` +
      `"model":${JSON.stringify(this.#ask.model.name)}`;
    const told = choices.map(({ choice, delta }) => this.#wholeChoice(choice, delta)).join(",");
    const tail = `"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}`;
    return (
      `${head},"choices":[${told}],"service_tier":null,"system_fingerprint":"${fingerprint}",` +
      `${usage === null ? "" : `"usage":${usage},`}${tail}`
    );
  }

  #wholeChoice(choice: Choice, delta: Delta): string {
    const { sampling, isEcho, isEchoOnly, promptLogprobs: prompted } = this.#ask;
    const prompt = this.#promptOf(choice);
    const echoed = isEcho ? prompt : [];
    return JSON.stringify({
      index: choice.index,
      text: (sampling.hasTokenIds ? "" : detokenize(echoed)) + (isEchoOnly ? "" : delta.text),
      logprobs:
        sampling.logprobs === null
          ? null
          : completionLogprobs([...echoed, ...delta.tokens], {
              firstAt: 0,
              count: sampling.logprobs,
              hasIds: sampling.hasIdsForTokens,
              textOffset: 0,
              isPromptFirst: isEcho,
            }),
      finish_reason: delta.finish,
      stop_reason: delta.stopReason,
      token_ids: sampling.hasTokenIds ? delta.tokens : null,
      prompt_logprobs: prompted === null ? null : promptLogprobs(prompt, prompted),
      prompt_token_ids: sampling.hasTokenIds ? prompt : null,
      routed_experts: null,
    });
  }

  #promptOf(choice: Choice): readonly number[] {
    return choice.tokens.slice(0, choice.promptTokens);
  }

  #logprobs(choice: Choice, delta: Delta, echoed: readonly number[]): string {
    const { sampling } = this.#ask;
    if (sampling.logprobs === null) return "null";
    const offset = this.#offsets.get(choice.index) ?? 0;
    const firstAt = choice.completionTokens - delta.tokens.length;
    const told = completionLogprobs([...echoed, ...delta.tokens], {
      firstAt,
      count: sampling.logprobs,
      hasIds: sampling.hasIdsForTokens,
      textOffset: offset,
      isPromptFirst: echoed.length > 0,
    });
    this.#offsets.set(choice.index, (told.text_offset.at(-1) ?? offset) + (told.tokens.at(-1) ?? "").length);
    return JSON.stringify(told);
  }

  #continuous({ promptTokens, completionTokens }: Tally): string {
    if (!this.#ask.usage.isContinuous) return "";
    const usage = tellUsage(
      {
        prompt_tokens: promptTokens,
        total_tokens: promptTokens + completionTokens,
        completion_tokens: completionTokens,
      },
      this.#rules,
    );
    return usage === null ? "" : `,"usage":${usage}`;
  }
}

/** The `input` of `/v1/embeddings`, which has the forms of a prompt; throws pydantic's flaws under its own name. */
export function readInputs(raw: Readonly<Record<string, unknown>>): number[][] {
  const { input } = raw;
  if (input === undefined || input === null)
    throw invalid([{ type: "missing", loc: "body.input", msg: "Field required", input: raw }]);
  const flaws = promptFlaws(input).map((flaw) => ({ ...flaw, loc: flaw.loc.replace("prompt", "input") }));
  if (flaws.length > 0) throw invalid(flaws);
  return readPrompts(input);
}
