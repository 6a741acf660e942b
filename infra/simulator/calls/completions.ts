import { randomBytes } from "node:crypto";
import type { CallRequest, AnswerSerializer, UsageCounts } from "./generate-answer.ts";
import { checkLength, fitPrompt } from "./prompt.ts";
import type { Choice, Delta } from "./choice.ts";
import { writeUsage, type FaultRule } from "../faults.ts";
import { Fields } from "./fields.ts";
import { fingerprint } from "../identity.ts";
import { completionLogprobs, promptLogprobs } from "./logprobs.ts";
import { makeEngineProblem, makeProblem, Problem, makeInvalid, type Flaw } from "../problems.ts";
import { checkEarly, readSampling, readUsageOptions, samplingKinds, findSharedFlaws } from "./sampling.ts";
import { makeStructuredScript } from "../text/script.ts";
import { admit, type ServedModels } from "../served-model.ts";
import { detokenize, tokenize, vocabularySize } from "../text/tokenizer.ts";

const completionKinds = { ...samplingKinds, logprobs: "integer", prompt_logprobs: "integer", suffix: "text" } as const;

/** vLLM's default for completions; chat has none. */
const completionTokensDefault = 16;

/** A completion call. */
export interface CompletionRequest extends CallRequest {
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
): CompletionRequest {
  checkEarly(raw);
  const { prompt } = raw;
  if (prompt === undefined || prompt === null || prompt === "") {
    if (!raw["prompt_embeds"])
      throw makeProblem("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
  }
  const empty = findEmptyItem(prompt);
  if (empty !== null)
    throw makeProblem("Either prompt or prompt_embeds must be provided and non-empty.", `prompt[${empty}]`);
  const fields = new Fields(raw, completionKinds, [...findPromptFlaws(prompt), ...findSharedFlaws(raw)]);
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
  if (prompts.length === 0) throw makeProblem("You must pass at least one prompt");
  const isEcho = fields.is("echo");
  return {
    id: `cmpl-${requestId ?? fields.text("request_id") ?? randomBytes(8).toString("hex")}`,
    model,
    prompts,
    sampling,
    isStream: fields.is("stream"),
    usage: readUsageOptions(raw),
    scriptFor: (index) =>
      makeStructuredScript(
        raw,
        `${model.name}\n${prompts.join("\n")}\n${sampling.isGreedy ? "" : (sampling.seed ?? "")}\n${index}`,
      ),
    thinkingTokens: 0,
    isEcho,
    isEchoOnly: isEcho && sampling.completionTokensMax === 0,
    promptLogprobs: fields.number("prompt_logprobs") ?? (isEcho ? logprobs : null),
  };
}

const isTokenList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((token) => typeof token === "number" && Number.isInteger(token));

/** The index of the first empty item: an engine that is given no token never makes one. */
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
    if (odd !== undefined) throw makeEngineProblem(`Token id ${odd} is out of vocabulary`);
    return item;
  });
}

function findPromptFlaws(prompt: unknown): Flaw[] {
  if (prompt === undefined || prompt === null || typeof prompt === "string" || isTokenList(prompt)) return [];
  const list = { type: "list_type", loc: "body.prompt", msg: "Input should be a valid list", input: prompt };
  if (!Array.isArray(prompt))
    return [list, list, { ...list, type: "string_type", msg: "Input should be a valid string" }, list];
  if (prompt.every((item) => typeof item === "string") || prompt.every(isTokenList)) return [];
  const msg = "Input should be a valid integer, unable to parse string as an integer";
  return [{ type: "int_parsing", loc: "body.prompt.0", msg, input: prompt[0] }];
}

/** Writes completions as vLLM does, key for key. */
export class CompletionSerializer implements AnswerSerializer {
  readonly #request: CompletionRequest;
  readonly #rules: readonly FaultRule[];
  readonly #created: number;
  readonly #head: string;
  readonly #begun = new Set<number>();
  readonly #offsets = new Map<number, number>();

  constructor(request: CompletionRequest, rules: readonly FaultRule[], nowMs: number) {
    this.#request = request;
    this.#rules = rules;
    this.#created = Math.floor(nowMs / 1_000);
    this.#head =
      `{"id":${JSON.stringify(request.id)},"object":"text_completion","created":${this.#created},` +
      `"model":${JSON.stringify(request.model.name)},"choices":[`;
  }

  opening(): string[] {
    return [];
  }

  chunk(choice: Choice, delta: Delta, counts: UsageCounts): string {
    const { sampling, usage, isEcho } = this.#request;
    const isFirst = !this.#begun.has(choice.index);
    this.#begun.add(choice.index);
    const prompt = this.#takePrompt(choice);
    const echoed = isEcho && isFirst ? prompt : [];
    // vLLM leaves the echoed text out when it gives the ids.
    const text = (sampling.hasTokenIds ? "" : detokenize(echoed)) + (this.#request.isEchoOnly ? "" : delta.text);
    const finish = delta.finish === null ? "null" : `"${delta.finish}"`;
    const ids = sampling.hasTokenIds ? JSON.stringify(delta.tokens) : "null";
    const promptIds = isFirst && (sampling.hasTokenIds || isEcho) ? JSON.stringify(prompt) : "null";
    const print = delta.finish !== null && !usage.isFinal ? `,"system_fingerprint":"${fingerprint}"` : "";
    return (
      `${this.#head}{"index":${choice.index},"text":${JSON.stringify(text)},` +
      `"logprobs":${this.#writeLogprobs(choice, delta, echoed)},"finish_reason":${finish},` +
      `"stop_reason":${JSON.stringify(delta.stopReason)},"prompt_token_ids":${promptIds},"token_ids":${ids}}` +
      `]${this.#writeContinuousUsage(counts)}${print}}`
    );
  }

  closing({ promptTokens, completionTokens, cachedTokens }: UsageCounts): string | null {
    const usage = writeUsage(
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
    { promptTokens, completionTokens, cachedTokens }: UsageCounts,
  ): string {
    const details = { cached_tokens: cachedTokens, created_cache_tokens: null, multimodal_tokens: null };
    const counts = {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens + completionTokens,
      completion_tokens: completionTokens,
    };
    const usage = writeUsage(
      { ...counts, prompt_tokens_details: details, completion_tokens_details: null },
      this.#rules,
    );
    const head =
      `{"id":${JSON.stringify(this.#request.id)},"object":"text_completion","created":${this.#created},` +
      `"model":${JSON.stringify(this.#request.model.name)}`;
    const entries = choices.map(({ choice, delta }) => this.#wholeChoice(choice, delta)).join(",");
    const tail = `"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}`;
    return (
      `${head},"choices":[${entries}],"service_tier":null,"system_fingerprint":"${fingerprint}",` +
      `${usage === null ? "" : `"usage":${usage},`}${tail}`
    );
  }

  #wholeChoice(choice: Choice, delta: Delta): string {
    const { sampling, isEcho, isEchoOnly, promptLogprobs: prompted } = this.#request;
    const prompt = this.#takePrompt(choice);
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

  #takePrompt(choice: Choice): readonly number[] {
    return choice.tokens.slice(0, choice.promptTokens);
  }

  #writeLogprobs(choice: Choice, delta: Delta, echoed: readonly number[]): string {
    const { sampling } = this.#request;
    if (sampling.logprobs === null) return "null";
    const offset = this.#offsets.get(choice.index) ?? 0;
    const firstAt = choice.completionTokens - delta.tokens.length;
    const entries = completionLogprobs([...echoed, ...delta.tokens], {
      firstAt,
      count: sampling.logprobs,
      hasIds: sampling.hasIdsForTokens,
      textOffset: offset,
      isPromptFirst: echoed.length > 0,
    });
    this.#offsets.set(choice.index, (entries.text_offset.at(-1) ?? offset) + (entries.tokens.at(-1) ?? "").length);
    return JSON.stringify(entries);
  }

  #writeContinuousUsage({ promptTokens, completionTokens }: UsageCounts): string {
    if (!this.#request.usage.isContinuous) return "";
    const usage = writeUsage(
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
    throw makeInvalid([{ type: "missing", loc: "body.input", msg: "Field required", input: raw }]);
  const flaws = findPromptFlaws(input).map((flaw) => ({ ...flaw, loc: flaw.loc.replace("prompt", "input") }));
  if (flaws.length > 0) throw makeInvalid(flaws);
  return readPrompts(input);
}
