import { makeEngineProblem, makeProblem, type Flaw } from "../problems.ts";
import { Fields, findStopFlaws, type FieldKind } from "./fields.ts";
import { vocabularySize } from "../text/tokenizer.ts";

/** The fields that chat and completions share, with what they must be. */
export const samplingKinds: Readonly<Record<string, FieldKind>> = {
  model: "text",
  stream: "boolean",
  n: "integer",
  max_tokens: "integer",
  max_completion_tokens: "integer",
  min_tokens: "integer",
  temperature: "number",
  top_p: "number",
  top_k: "integer",
  min_p: "number",
  seed: "integer",
  presence_penalty: "number",
  frequency_penalty: "number",
  repetition_penalty: "number",
  ignore_eos: "boolean",
  include_stop_str_in_output: "boolean",
  priority: "integer",
  return_token_ids: "boolean",
  return_tokens_as_token_ids: "boolean",
  echo: "boolean",
  truncate_prompt_tokens: "integer",
  request_id: "text",
};

const choicesMax = 16_384;
const stopsMax = 4;
const logprobsMax = 20;

/** How tokens are to be drawn, as vLLM's SamplingParams. */
export interface SamplingParams {
  n: number;
  /** `null` until the prompt is known: the rest of the context. */
  completionTokensMax: number | null;
  minTokens: number;
  isGreedy: boolean;
  seed: number | null;
  stops: readonly string[];
  stopTokenIds: readonly number[];
  hasStopInOutput: boolean;
  isEndIgnored: boolean;
  /** The one token that a bias of 100 or more leaves, or `null`. */
  forcedToken: number | null;
  /** How many alternatives each token comes with; `null` for no logprobs at all. */
  logprobs: number | null;
  hasTokenIds: boolean;
  hasIdsForTokens: boolean;
  salt: string;
  priority: number;
}

/** What vLLM checks before a body's fields are even typed. */
export function checkEarly(raw: Readonly<Record<string, unknown>>): void {
  const salt = raw["cache_salt"];
  if (salt !== undefined && salt !== null) {
    if (typeof salt !== "string" || salt === "")
      throw makeProblem("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt");
    if (salt.length > 128 || /[@/\\\0]/.test(salt)) {
      throw makeProblem(
        "Parameter 'cache_salt' must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL.",
        "cache_salt",
      );
    }
  }
  if (raw["stream_options"] && !raw["stream"])
    throw makeProblem("Stream options can only be defined when `stream=True`.", "stream_options");
  if (raw["stream"] && Number(raw["prompt_logprobs"] ?? 0) !== 0)
    throw makeProblem("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs");
}

/** The flaws of shared fields that are more than a type. */
export function findSharedFlaws(raw: Readonly<Record<string, unknown>>): Flaw[] {
  const { stop, seed } = raw;
  // As a double 2^63 - 1 is 2^63: what is above is above in any reading.
  if (typeof seed === "number" && seed >= 2 ** 63) {
    return [
      {
        type: "less_than_equal",
        loc: "body.seed",
        msg: "Input should be less than or equal to 9223372036854775807",
        input: BigInt(seed),
      },
    ];
  }
  if (!Array.isArray(stop) || stop.length <= stopsMax) return findStopFlaws(stop);
  const msg = `List should have at most ${stopsMax} items after validation, not ${stop.length}`;
  return [
    { type: "string_type", loc: "body.stop", msg: "Input should be a valid string", input: stop },
    { type: "too_long", loc: "body.stop", msg, input: stop },
  ];
}

/**
 * Reads and checks sampling parameters, with vLLM's messages. `contextTokens` bounds `max_tokens` by itself; the prompt
 * is not known yet.
 */
export function readSampling(
  fields: Fields,
  contextTokens: number,
  completionTokensDefault: number | null,
  logprobs: number | null,
): SamplingParams {
  const max = fields.number("max_completion_tokens") ?? fields.number("max_tokens") ?? completionTokensDefault;
  checkNumbers(fields);
  if (max !== null && max > contextTokens) {
    throw makeProblem(
      `max_tokens=${max} cannot be greater than max_model_len=${contextTokens}. Please request fewer output tokens.`,
      "max_tokens",
      max,
    );
  }
  const isEchoOnly = max === 0 && fields.is("echo");
  if (max !== null && max < 1 && !isEchoOnly)
    throw makeProblem(`max_tokens must be at least 1, got ${max}.`, "max_tokens", max);
  const minTokens = fields.number("min_tokens") ?? 0;
  if (minTokens < 0) throw makeProblem(`min_tokens must be greater than or equal to 0, got ${minTokens}.`);
  if (max !== null && minTokens > max)
    throw makeProblem(`min_tokens must be less than or equal to max_tokens=${max}, got ${minTokens}.`);
  const n = fields.number("n") ?? 1;
  const isGreedy = fields.number("temperature") === 0;
  if (isGreedy && n > 1) throw makeProblem(`n must be 1 when using greedy sampling, got ${n}.`);
  // -1 asks for the whole vocabulary.
  const alternatives = logprobs !== null && logprobs < 0 ? vocabularySize : logprobs;
  if (alternatives !== null && alternatives > logprobsMax) {
    throw makeEngineProblem(
      `Requested sample logprobs of ${alternatives}, which is greater than max allowed: ${logprobsMax}`,
      "logprobs",
      alternatives,
    );
  }
  return {
    n,
    completionTokensMax: max,
    minTokens,
    isGreedy,
    seed: fields.number("seed"),
    stops: fields.texts("stop"),
    stopTokenIds: fields.list("stop_token_ids").filter((token) => typeof token === "number"),
    hasStopInOutput: fields.is("include_stop_str_in_output"),
    isEndIgnored: fields.is("ignore_eos"),
    forcedToken: findForcedToken(fields.record("logit_bias")),
    logprobs,
    hasTokenIds: fields.is("return_token_ids"),
    hasIdsForTokens: fields.is("return_tokens_as_token_ids"),
    salt: String(fields.raw["cache_salt"] ?? ""),
    priority: fields.number("priority") ?? 0,
  };
}

const writePythonFloat = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value));

/** What a number must be, and what vLLM says where it is not. A `param` names itself in the answer. */
interface NumberRule {
  name: string;
  isFit: (value: number) => boolean;
  message: (value: number) => string;
  param?: string;
}

const isInUnit = (value: number): boolean => value >= 0 && value <= 1;
const isPenalty = (value: number): boolean => Math.abs(value) <= 2;

/** In the order in which vLLM looks. */
const numberRules: readonly NumberRule[] = [
  { name: "n", isFit: (n) => n >= 1, message: (n) => `n must be at least 1, got ${n}.` },
  {
    name: "n",
    isFit: (n) => n <= choicesMax,
    message: (n) =>
      `n must be at most ${choicesMax}, got ${n}. ` +
      "To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.",
  },
  {
    name: "presence_penalty",
    isFit: isPenalty,
    message: (p) => `presence_penalty must be in [-2, 2], got ${writePythonFloat(p)}.`,
  },
  {
    name: "frequency_penalty",
    isFit: isPenalty,
    message: (p) => `frequency_penalty must be in [-2, 2], got ${writePythonFloat(p)}.`,
  },
  {
    name: "repetition_penalty",
    isFit: (p) => p > 0,
    message: (p) => `repetition_penalty must be greater than zero, got ${writePythonFloat(p)}.`,
  },
  {
    name: "temperature",
    isFit: (t) => t >= 0,
    message: (t) => `temperature must be non-negative, got ${writePythonFloat(t)}.`,
    param: "temperature",
  },
  {
    name: "temperature",
    isFit: (t) => t <= 2,
    message: (t) => `temperature must be in [0, 2], got ${writePythonFloat(t)}.`,
    param: "temperature",
  },
  {
    name: "top_p",
    isFit: (p) => p > 0 && p <= 1,
    message: (p) => `top_p must be in (0, 1], got ${writePythonFloat(p)}.`,
    param: "top_p",
  },
  {
    name: "top_k",
    isFit: (k) => k >= -1,
    message: (k) => `top_k must be 0 (disable), or at least 1, got ${k}.`,
  },
  { name: "min_p", isFit: isInUnit, message: (p) => `min_p must be in [0, 1], got ${writePythonFloat(p)}.` },
];

function checkNumbers(fields: Fields) {
  for (const { name, isFit, message, param } of numberRules) {
    const value = fields.number(name);
    if (value === null || isFit(value)) continue;
    throw param === undefined
      ? makeProblem(message(value))
      : makeProblem(message(value), param, writePythonFloat(value));
  }
  if (fields.texts("stop").includes("")) throw makeProblem("stop cannot contain an empty string.");
  if (fields.texts("bad_words").includes(""))
    throw makeProblem("bad_words cannot contain an empty string. Got bad_words=['']");
  const { allowed_token_ids: allowed } = fields.raw;
  if (Array.isArray(allowed) && allowed.length === 0)
    throw makeEngineProblem("allowed_token_ids is not None and empty!", "allowed_token_ids", "[]");
}

function findForcedToken(bias: Readonly<Record<string, unknown>>): number | null {
  const odd = Object.keys(bias)
    .filter((key) => !/^-?\d+$/.test(key))
    .map((key) => `'${key}'`);
  if (odd.length > 0)
    throw makeProblem(
      `logit_bias contains key(s) that cannot be converted to integer token IDs: [${odd.join(", ")}]`,
      "logit_bias",
      `[${odd.join(", ")}]`,
    );
  const [forced] = Object.entries(bias).filter(([, value]) => typeof value === "number" && value >= 100);
  return forced ? Number(forced[0]) : null;
}

/** What a stream says about usage: on the last chunk, on every chunk; the latter only with the former. */
export interface UsageOptions {
  isFinal: boolean;
  isContinuous: boolean;
}

/** Reads `stream_options`. */
export function readUsageOptions(raw: Readonly<Record<string, unknown>>): UsageOptions {
  const options = raw["stream_options"];
  if (typeof options !== "object" || options === null) return { isFinal: false, isContinuous: false };
  const flags = new Fields(Object.fromEntries(Object.entries(options)), {
    include_usage: "boolean",
    continuous_usage_stats: "boolean",
  });
  const isFinal = flags.is("include_usage");
  return { isFinal, isContinuous: isFinal && flags.is("continuous_usage_stats") };
}
