import type { RefusalCode } from "#edge/errors.ts";

/** One reason for which vLLM refuses a request, and what we say in its place. */
export interface RefusedReason {
  /** What vLLM's sentence begins with, up to where it may quote the request: a caller's text must never match. */
  pattern: RegExp;
  /** `invalid_value` unless said otherwise. */
  code?: RefusalCode;
  /** The fields that may be at fault: the first of them that the request holds is named. */
  params: readonly string[];
  /** Ours, public; `{param}` stands for the field. Without it the code's own sentence is said. */
  message?: string;
}

const promptFields = ["messages", "prompt", "input"];
/** What structured output is asked for by, the most specific first. */
const grammarFields = ["structured_outputs", "response_format", "tools"];

/**
 * What vLLM 0.32 says, from test/fixtures/vllm, and what we say: the field and the cause. A row for each recorded
 * reason that a caller can do something about; a reason that is not here stays general.
 */
export const refusedReasons: readonly RefusedReason[] = [
  // The body as a whole.
  {
    pattern: /^1 validation error:\s+\{'type': '(?:json_invalid|missing)', 'loc': 'body(?:\.\d+)?'/,
    code: "invalid_json",
    params: [],
  },
  {
    pattern: /^1 validation error:\s+\{'type': 'model_attributes_type', 'loc': 'body'/,
    code: "invalid_json",
    params: [],
    message: "The body must be a JSON object.",
  },
  // The prompt.
  {
    pattern: /^Either prompt or prompt_embeds must be provided|^The decoder prompt cannot be empty/,
    params: promptFields,
    message: "'{param}' is missing or empty, or holds an empty text.",
  },
  {
    pattern: /^You must pass at least one prompt|^Cannot apply chat template to an empty conversation/,
    params: promptFields,
    message: "'{param}' must not be an empty list.",
  },
  {
    pattern: /^Token id \d+ is out of vocabulary/,
    params: promptFields,
    message: "'{param}' holds a token id that this model's vocabulary lacks.",
  },
  {
    pattern: /^TextEncodeInput must be/,
    params: promptFields,
    message: "'{param}' holds text that is not Unicode: half of a surrogate pair.",
  },
  {
    pattern: /^\S+ is not a multimodal model$/,
    params: ["messages"],
    message: "This model reads text only: '{param}' may hold no image, audio or video.",
  },
  {
    pattern: /^\d+ validation errors? for ValidatorIterator/,
    params: ["messages"],
    message: "'{param}' holds a content part of an unknown type, or one whose members do not fit its type.",
  },
  {
    pattern: /^continue_final_message and add_generation_prompt/,
    params: ["continue_final_message"],
    message: "'{param}' needs 'add_generation_prompt' to be false.",
  },
  {
    pattern: /^Chat template is passed with request/,
    code: "unsupported_parameter",
    params: ["chat_template"],
    message: "'{param}' is not supported: each model has its own template.",
  },
  {
    pattern: /^suffix is only supported/,
    code: "unsupported_parameter",
    params: ["suffix"],
    message: "'{param}' is not supported: this model does not fill in the middle.",
  },
  {
    pattern: /^Model '[^']*' does not support Matryoshka embeddings/,
    code: "unsupported_parameter",
    params: ["dimensions"],
    message: "'{param}' is not supported: this model's embeddings have one size.",
  },
  // How much is generated, and how.
  {
    pattern: /^max_tokens must be at least 1, got -/,
    params: ["max_completion_tokens", "max_tokens"],
    message: "'{param}' must be 1 or more.",
  },
  {
    pattern: /^min_tokens must be less than or equal/,
    params: ["min_tokens"],
    message: "'{param}' must not exceed the most tokens that the completion may have.",
  },
  {
    pattern: /^n must be 1 when using greedy sampling/,
    params: ["n"],
    message: "'{param}' must be 1 where 'temperature' is 0: all choices would be the same.",
  },
  { pattern: /^n must be at least 1/, params: ["n"], message: "'{param}' must be 1 or more." },
  { pattern: /^n must be at most/, params: ["n"], message: "'{param}' is too large." },
  {
    pattern: /^temperature must be (?:in \[0, 2\]|non-negative|a finite number)/,
    params: ["temperature"],
    message: "'{param}' must be a number from 0 to 2.",
  },
  {
    pattern: /^top_p must be in/,
    params: ["top_p"],
    message: "'{param}' must be greater than 0 and at most 1.",
  },
  {
    pattern: /^top_k must be/,
    params: ["top_k"],
    message: "'{param}' must be 0 (all tokens) or more.",
  },
  { pattern: /^min_p must be in/, params: ["min_p"], message: "'{param}' must be from 0 to 1." },
  {
    pattern: /^presence_penalty must be in/,
    params: ["presence_penalty"],
    message: "'{param}' must be from -2 to 2.",
  },
  {
    pattern: /^frequency_penalty must be in/,
    params: ["frequency_penalty"],
    message: "'{param}' must be from -2 to 2.",
  },
  {
    pattern: /^repetition_penalty must be greater/,
    params: ["repetition_penalty"],
    message: "'{param}' must be more than 0.",
  },
  {
    pattern: /^stop cannot contain an empty string/,
    params: ["stop"],
    message: "'{param}' must hold no empty text.",
  },
  {
    pattern: /^\d+ validation errors?:[^]*\n {2}\{'type': 'too_long', 'loc': 'body\.stop'/,
    params: ["stop"],
    message: "This model takes at most 4 texts in '{param}'.",
  },
  {
    pattern: /^bad_words cannot contain an empty string/,
    params: ["bad_words"],
    message: "'{param}' must hold no empty text.",
  },
  {
    pattern: /^allowed_token_ids is not None and empty/,
    params: ["allowed_token_ids"],
    message: "'{param}' must not be an empty list.",
  },
  {
    pattern: /^logit_bias contains key\(s\) that cannot be converted/,
    params: ["logit_bias"],
    message: "The names in '{param}' must be token ids.",
  },
  {
    pattern: /^token_id\(s\) \[[\d, ]+\] in logit_bias contain out-of-vocab/,
    params: ["logit_bias"],
    message: "'{param}' names a token id that this model's vocabulary lacks.",
  },
  // Log-probabilities and streams.
  {
    pattern: /^Requested sample logprobs of \d+, which is greater/,
    params: ["top_logprobs", "logprobs"],
    message: "'{param}' wants more log-probabilities for each token than this model reports.",
  },
  {
    pattern: /^`top_logprobs` must be a positive value/,
    params: ["top_logprobs"],
    message: "'{param}' must be 0 or more.",
  },
  {
    pattern: /^when using `top_logprobs`, `logprobs` must be set/,
    params: ["top_logprobs"],
    message: "'{param}' needs 'logprobs' to be true.",
  },
  {
    pattern: /^`prompt_logprobs` are not available when/,
    params: ["prompt_logprobs"],
    message: "'{param}' cannot be had in a stream.",
  },
  {
    pattern: /^Stream options can only be defined when/,
    params: ["stream_options"],
    message: "'{param}' needs 'stream' to be true.",
  },
  // Structured output and tools.
  {
    pattern: /^Grammar error: at [\d()]+: invalid regex/,
    params: grammarFields,
    message: "The regular expression in '{param}' is not a valid one.",
  },
  {
    pattern: /^Grammar error:/,
    params: grammarFields,
    message: "The schema or pattern in '{param}' is not valid, or uses what this model cannot be held to.",
  },
  {
    pattern: /^When response_format type is 'json_schema'/,
    params: ["response_format"],
    message: "'{param}' of type json_schema lacks its schema.",
  },
  {
    pattern: /^You can only use one kind of constraints for structured outputs/,
    params: ["structured_outputs"],
    message: "'{param}' must hold one constraint, not several.",
  },
  {
    pattern: /^When using `tool_choice`, `tools` must be set/,
    params: ["tool_choice"],
    message: "'{param}' needs 'tools'.",
  },
  {
    pattern: /^The tool specified in `tool_choice` does not match/,
    params: ["tool_choice"],
    message: "'{param}' names a function that 'tools' lacks.",
  },
  {
    pattern: /^Invalid value for `tool_choice`/,
    params: ["tool_choice"],
    message: "'{param}' must be none, auto, required or the name of a function.",
  },
  {
    pattern: /^`tools` must not be an empty array/,
    params: ["tools"],
    message: "'{param}' must not be an empty list.",
  },
  // Set by the agent itself: no fault of the caller's.
  { pattern: /^Parameter 'cache_salt' must be/, code: "bad_gateway", params: [] },
];

/**
 * What vLLM says of audio, as its source has it (`entrypoints/openai/speech_to_text`): no recording has one of these,
 * since no model that hears was recorded.
 */
export const audioReasons: readonly RefusedReason[] = [
  {
    pattern: /^Currently (?:do not support verbose_json|only support response_format)/,
    params: ["response_format"],
    message: "This model's transcripts have no times: '{param}' may be 'json' or 'text'.",
  },
  {
    pattern: /^Invalid or unsupported audio file/,
    params: ["file"],
    message: "'{param}' is no audio, or in a format that the engine of this model does not read.",
  },
  { pattern: /^Maximum file size exceeded/, params: ["file"], message: "'{param}' is too large for this model." },
];

/** What a value should have been, by pydantic's name of the fault. */
export const expectedTypes: Readonly<Record<string, string>> = {
  string_type: "a string",
  bool_type: "a boolean",
  bool_parsing: "a boolean",
  int_type: "an integer",
  int_parsing: "an integer",
  int_from_float: "an integer",
  float_type: "a number",
  float_parsing: "a number",
  list_type: "a list",
  iterable_type: "a list",
  dict_type: "an object",
  model_attributes_type: "an object",
};

/** What is wrong with a value of the right type, by pydantic's name of the fault; `{param}` stands for the field. */
export const brokenBounds: Readonly<Record<string, string>> = {
  missing: "'{param}' is missing.",
  literal_error: "'{param}' is none of the values allowed here.",
  too_long: "'{param}' holds too many items.",
  too_short: "'{param}' holds too few items.",
  less_than: "'{param}' is too large.",
  less_than_equal: "'{param}' is too large.",
  greater_than: "'{param}' is too small.",
  greater_than_equal: "'{param}' is too small.",
};
