import { z } from "zod";

/**
 * What callers of the Responses API are answered, as the API's document tells it (OpenAI's reference of it). Nothing is
 * parsed with these: the agent writes answers, and a test holds what it writes against them. Every object is open.
 */
const count = z.int().min(0);
const itemStatus = z.enum(["in_progress", "completed", "incomplete"]);
const logprob = z.looseObject({ token: z.string(), logprob: z.number() });

const OutputText = z.looseObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.looseObject({})),
  logprobs: z.array(logprob),
});
const ReasoningText = z.looseObject({ type: z.literal("reasoning_text"), text: z.string() });
const called = { id: z.string(), status: itemStatus, call_id: z.string(), name: z.string() };

/** An item of an answer. */
const OutputItem = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("message"),
    id: z.string(),
    status: itemStatus,
    role: z.literal("assistant"),
    content: z.array(OutputText),
  }),
  z.looseObject({
    type: z.literal("reasoning"),
    id: z.string(),
    status: itemStatus,
    summary: z.array(z.looseObject({})).describe("Empty: nobody makes a summary."),
    content: z.array(ReasoningText),
  }),
  z.looseObject({
    type: z.literal("function_call"),
    ...called,
    namespace: z.string().optional(),
    arguments: z.string().describe("JSON, as the model wrote it."),
  }),
  z.looseObject({
    type: z.literal("custom_tool_call"),
    ...called,
    namespace: z.string().optional(),
    input: z.string(),
  }),
]);

const ResponseUsage = z.looseObject({
  input_tokens: count,
  input_tokens_details: z.looseObject({
    cached_tokens: count,
    cache_write_tokens: count.describe("Always 0: what an engine caches costs nothing."),
  }),
  output_tokens: count,
  output_tokens_details: z.looseObject({ reasoning_tokens: count }),
  total_tokens: count,
});

/** A whole answer of `POST /v1/responses`. */
export const Response = z.looseObject({
  id: z.string().describe("Of this answer alone; where `store` is true it is stored under it."),
  object: z.literal("response"),
  created_at: z.int().describe("Unix seconds."),
  completed_at: z.int().optional().describe("Unix seconds."),
  status: z.enum(["in_progress", "completed", "incomplete", "failed"]),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.looseObject({ reason: z.enum(["max_output_tokens", "content_filter"]) }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  model: z.string(),
  output: z.array(OutputItem),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  reasoning: z.looseObject({ effort: z.string().nullable(), summary: z.string().nullable() }),
  store: z
    .boolean()
    .describe("Is it stored? In a stream its last event says so for certain; the first ones say that it shall be."),
  temperature: z.number().nullable(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }) }),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]),
  tools: z.array(z.looseObject({ type: z.string() })),
  top_p: z.number().nullable(),
  truncation: z.literal("disabled"),
  usage: ResponseUsage.nullable().describe("What is billed; null while the answer is made."),
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()),
});

/** An item as it lies in store: one of the input, or of an answer. */
const StoredItem = z.looseObject({ type: z.string(), id: z.string() });

/** A page of a stored response's input (`GET /v1/responses/{id}/input_items`). */
export const ResponseItemList = z.looseObject({
  object: z.literal("list"),
  data: z.array(StoredItem),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

/** What is answered to who deletes a response. */
export const DeletedResponse = z.looseObject({
  id: z.string(),
  object: z.literal("response"),
  deleted: z.literal(true),
});

/** One event of a streamed answer; what else it holds follows from its type. */
export const ResponseStreamEvent = z.looseObject({
  type: z.string().describe("As OpenAI has it: `response.created`, `response.output_text.delta`, … or `error`."),
  sequence_number: count.describe("From 0, one more with each event."),
  response: Response.optional(),
  item: OutputItem.optional(),
  output_index: count.optional(),
  content_index: count.optional(),
  item_id: z.string().optional(),
  delta: z.string().optional(),
});
