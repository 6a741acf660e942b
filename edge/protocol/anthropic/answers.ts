import { z } from "zod";
import { refusals } from "../../errors.ts";

/** What callers of `/v1/messages` are answered, as the API's document tells it. Nothing is parsed with these. */
const count = z.int().min(0);
const role = z.literal("assistant");
const stopReason = z.enum(["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]);

/** What was billed: the three kinds of input together are the prompt. */
export const MessageUsage = z.looseObject({
  input_tokens: count.describe("The prompt without what was read from a cache."),
  cache_creation_input_tokens: count.describe("Always 0: what an engine caches is part of `input_tokens`."),
  cache_read_input_tokens: count,
  output_tokens: count,
});

const block = z.looseObject({
  type: z.enum(["text", "thinking", "tool_use"]),
  text: z.string().optional(),
  thinking: z.string().optional(),
  signature: z.string().optional().describe("Proves nothing; send it back as it is."),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z
    .looseObject({})
    .optional()
    .describe("The arguments. What is no JSON object stands as text in `INVALID_JSON`."),
});

/** A whole answer of `/v1/messages`. */
export const Message = z.looseObject({
  id: z.string(),
  type: z.literal("message"),
  role,
  model: z.string(),
  content: z.array(block),
  stop_reason: stopReason.nullable(),
  stop_sequence: z.string().nullable(),
  usage: MessageUsage,
});

const delta = z.looseObject({
  type: z.enum(["text_delta", "thinking_delta", "signature_delta", "input_json_delta"]).optional(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  signature: z.string().optional(),
  partial_json: z.string().optional(),
  stop_reason: stopReason.optional(),
  stop_sequence: z.string().nullish(),
});

/** One event of a streamed message. */
export const MessageEvent = z.looseObject({
  type: z.enum([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
  ]),
  message: Message.optional(),
  index: count.optional(),
  content_block: block.optional(),
  delta: delta.optional(),
  usage: MessageUsage.optional().describe("So far, all of it."),
});

const [firstCode, ...codes] = Object.keys(refusals);

/** A refusal, as Anthropic's clients read it. */
export const MessageError = z.looseObject({
  type: z.literal("error"),
  error: z.looseObject({
    type: z.string(),
    message: z.string(),
    param: z.string().nullable(),
    code: z.enum([firstCode ?? "", ...codes]),
  }),
  request_id: z.string().optional(),
});
