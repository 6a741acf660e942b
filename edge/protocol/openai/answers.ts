import { z } from "zod";

/**
 * What callers are answered, as the API's document tells it. Nothing is parsed with these: answers pass as the engine
 * wrote them, and engines add members of their own, so every object is open. Tests hold them against what real engines
 * said.
 */
const count = z.int().min(0);
const seconds = z.int().describe("Unix seconds.");
const tokenIds = z.array(z.int()).nullish();
const stopReason = z.union([z.string(), z.int()]).nullish().describe("The stop string or token that ended the choice.");
const finishReason = z.enum(["stop", "length", "tool_calls", "content_filter", "function_call"]);

/** What was billed. */
export const TokenUsage = z.looseObject({
  prompt_tokens: count,
  completion_tokens: count.optional(),
  total_tokens: count,
  prompt_tokens_details: z.looseObject({ cached_tokens: count.nullish() }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: count.nullish() }).nullish(),
});

const TokenLogprob = z.looseObject({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullish() });
const ChatLogprobs = z.looseObject({
  content: z.array(TokenLogprob.extend({ top_logprobs: z.array(TokenLogprob) })).nullish(),
});
const TextLogprobs = z.looseObject({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
  text_offset: z.array(z.int()),
});

/** A call of a tool, as a message holds it. */
const ToolCall = z.looseObject({
  id: z.string(),
  type: z.string(),
  function: z.looseObject({ name: z.string(), arguments: z.string().describe("JSON, as the model wrote it.") }),
});
const ToolCallDelta = z.looseObject({
  index: z.int(),
  id: z.string().nullish(),
  type: z.string().nullish(),
  function: z.looseObject({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const ChatMessage = z.looseObject({
  role: z.literal("assistant"),
  content: z.string().nullable(),
  reasoning: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(ToolCall).nullish(),
});
const ChatDelta = z.looseObject({
  role: z.literal("assistant").optional(),
  content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z.array(ToolCallDelta).nullish(),
});

/** A whole answer of `/v1/chat/completions` and `/text2sql`. */
export const ChatCompletion = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion"),
  created: seconds,
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: count,
      message: ChatMessage,
      logprobs: ChatLogprobs.nullish(),
      finish_reason: finishReason.nullable(),
      stop_reason: stopReason,
      token_ids: tokenIds,
    }),
  ),
  usage: TokenUsage,
  system_fingerprint: z.string().nullish(),
});

/** One event of a streamed chat; the last one before `[DONE]` has no choices, and the usage, if that was asked for. */
export const ChatCompletionChunk = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion.chunk"),
  created: seconds,
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: count,
      delta: ChatDelta,
      logprobs: ChatLogprobs.nullish(),
      finish_reason: finishReason.nullish(),
      stop_reason: stopReason,
    }),
  ),
  usage: TokenUsage.nullish(),
  system_fingerprint: z.string().nullish(),
});

const TextChoice = z.looseObject({
  index: count,
  text: z.string(),
  logprobs: TextLogprobs.nullish(),
  finish_reason: finishReason.nullable(),
  stop_reason: stopReason,
  token_ids: tokenIds,
});

/** A whole answer of `/v1/completions`. */
export const TextCompletion = z.looseObject({
  id: z.string(),
  object: z.literal("text_completion"),
  created: seconds,
  model: z.string(),
  choices: z.array(TextChoice),
  usage: TokenUsage,
  system_fingerprint: z.string().nullish(),
});

/** One event of a streamed text completion. */
export const TextCompletionChunk = TextCompletion.extend({
  choices: z.array(TextChoice.extend({ finish_reason: finishReason.nullish() })),
  usage: TokenUsage.nullish(),
});

/** The answer of `/v1/embeddings`; base64 holds little-endian 32-bit floats. */
export const EmbeddingList = z.looseObject({
  id: z.string().optional(),
  object: z.literal("list"),
  created: seconds.optional(),
  model: z.string(),
  data: z.array(
    z.looseObject({
      index: count,
      object: z.literal("embedding"),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: TokenUsage,
});

/** The answer of `/v1/rerank`: the best document first, each with its number in the request. */
export const RerankResult = z.looseObject({
  id: z.string().nullish(),
  model: z.string(),
  usage: TokenUsage,
  results: z.array(
    z.looseObject({
      index: count,
      relevance_score: z.number(),
      document: z.looseObject({ text: z.string().nullish() }).nullish(),
    }),
  ),
});

/** The answer of `/v1/score`: one score for each pair, in their order. */
export const ScoreList = z.looseObject({
  id: z.string().nullish(),
  object: z.literal("list"),
  model: z.string(),
  data: z.array(z.looseObject({ index: count, object: z.literal("score"), score: z.number() })),
  usage: TokenUsage,
});

const length = z.number().min(0).describe("Seconds.");
const Times = z.looseObject({ start: length, end: length });

/** A transcript in JSON; all but `text` and `usage` is of `verbose_json`. `seconds` is what was billed. */
export const Transcript = z.looseObject({
  text: z.string(),
  usage: z.looseObject({ type: z.literal("duration"), seconds: z.int().min(0) }),
  language: z.string().nullish(),
  duration: length.optional(),
  segments: z.array(Times.extend({ text: z.string() })).optional(),
  words: z.array(Times.extend({ word: z.string() })).optional(),
});

/** Pictures in base64. */
export const ImageList = z.looseObject({
  created: seconds,
  data: z.array(z.looseObject({ b64_json: z.string(), revised_prompt: z.string().optional() })),
});
