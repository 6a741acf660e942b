import { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { messagesMax, partsMax, stopBytesMax, stopMax, toolsBytesMax, toolsMax } from "../../limits.ts";
import { createCheckedSchema, parseBody, type FieldFault } from "../fields.ts";
import { chatMembers } from "../openai/members/chat.ts";
import { checkList, checkText } from "../openai/members/checks.ts";
import {
  accepted,
  describeMembers,
  forwarded,
  IgnoredMembers,
  isUnsent,
  orEmpty,
  pickMembers,
  readShape,
  refused,
  required,
} from "../openai/members/member.ts";
import { modelMember, sampling } from "../openai/members/shared.ts";
import { findContentFault } from "./blocks.ts";
import { checkMessages, type SentMessage } from "./messages.ts";
import { checkToolChoice, checkTools, type SentChoice, type SentTool } from "./tools.ts";

const block = z.looseObject({ type: z.string().min(1), text: z.string().optional() });
const content = z.union([z.string(), z.array(block).max(partsMax)]);
const shownMessage = z.looseObject({ role: z.enum(["user", "assistant", "system"]), content });
const shownTool = z.looseObject({
  name: z.string().min(1),
  description: z.string().nullish(),
  input_schema: z.looseObject({}).describe("JSON Schema."),
});
const shownChoice = z.looseObject({
  type: z.enum(["auto", "any", "tool", "none"]),
  name: z.string().nullish(),
  disable_parallel_tool_use: z.boolean().nullish(),
});

const thinking = z.looseObject({
  type: z.enum(["enabled", "adaptive", "disabled"]),
  budget_tokens: z.int().min(1_024).nullish(),
  display: z.enum(["summarized", "omitted"]).nullish(),
});
/** Whether the model is to think before it answers. */
export type Thinking = z.infer<typeof thinking>;

const outputConfig = z.looseObject({
  effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
  format: z.looseObject({ type: z.literal("json_schema"), schema: z.looseObject({}) }).nullish(),
});
/** The form of the answer, and how much work it may be. */
export type OutputConfig = z.infer<typeof outputConfig>;

const findSystemFault = (system: unknown): FieldFault | null => findContentFault(system);

// vLLM's own ways to choose tokens, which go on here as they do in chats.
const { min_p, repetition_penalty, presence_penalty, frequency_penalty, seed, logit_bias, bad_words } = sampling;
const { stop_token_ids, allowed_token_ids, include_stop_str_in_output, ignore_eos, min_tokens } = sampling;
const { skip_special_tokens, spaces_between_special_tokens, add_special_tokens, watermarking } = sampling;
const { thinking_token_budget, structured_outputs } = sampling;
const { include_reasoning, chat_template_kwargs, documents, prompt_cache_key } = chatMembers;

/** What goes on to the chat under its own name. */
const extraMembers = {
  min_p,
  repetition_penalty,
  presence_penalty,
  frequency_penalty,
  seed,
  logit_bias,
  bad_words,
  stop_token_ids,
  allowed_token_ids,
  include_stop_str_in_output,
  ignore_eos,
  min_tokens,
  skip_special_tokens,
  spaces_between_special_tokens,
  add_special_tokens,
  watermarking,
  thinking_token_budget,
  structured_outputs,
  include_reasoning,
  chat_template_kwargs,
  documents,
  prompt_cache_key,
} as const;

const noScores = "a message has no log-probabilities; '/v1/chat/completions' has";
const oneMessage = "each call is answered by one message";

/** The members of `POST /v1/messages`. */
export const messagesMembers = {
  model: modelMember,
  max_tokens: required(z.int().min(1), "The most tokens of the answer, its thinking included."),
  messages: required(
    createCheckedSchema<SentMessage[]>(checkMessages),
    "What was said so far. Where the last one is the assistant's, the answer goes on with it.",
    z.array(shownMessage).min(1).max(messagesMax),
  ),
  system: orEmpty(
    forwarded(createCheckedSchema<string | JsonObject[]>(findSystemFault), "What the model is told first.", content),
  ),
  tools: orEmpty(
    forwarded(
      createCheckedSchema<SentTool[]>(checkTools),
      `What the model may ask you to call: at most ${toolsMax}, of ${toolsBytesMax / 1024} KiB in all.`,
      z.array(shownTool).max(toolsMax),
    ),
  ),
  tool_choice: orEmpty(
    forwarded(
      createCheckedSchema<SentChoice>(checkToolChoice),
      "Whether a tool must be called, and which.",
      shownChoice,
    ),
  ),
  stop_sequences: orEmpty(
    forwarded(
      createCheckedSchema<string[]>(checkList(checkText(stopBytesMax, 1), stopMax)),
      `Where the answer ends: at most ${stopMax} of at most ${stopBytesMax} bytes.`,
      z.array(z.string().min(1)).max(stopMax),
    ),
  ),
  temperature: forwarded(z.number().min(0).max(1), "How freely tokens are chosen; 0 always takes the likeliest."),
  top_p: sampling.top_p,
  top_k: forwarded(z.int().min(0), "Only so many of the likeliest tokens; 0 for all."),
  thinking: orEmpty(
    forwarded(
      thinking,
      "`enabled` and `adaptive` switch the template's thinking on, `disabled` switches it off; unset is the model's " +
        "own way. `budget_tokens` reaches templates that know one: what always holds is `max_tokens`.",
    ),
  ),
  output_config: orEmpty(forwarded(outputConfig, "`effort` as templates know it; `format` is a JSON schema.")),
  stream: sampling.stream,
  ...extraMembers,
  metadata: accepted("Your own notes; not stored."),
  service_tier: accepted("The tier follows from the call: see `x-penstock-tier`."),
  cache_control: accepted("The engine caches by itself what it has room for."),
  speed: refused("there is one speed", (value) => isUnsent(value) || value === "standard"),
  inference_geo: refused(
    "where a node stands is not yours to choose",
    (value) => isUnsent(value) || value === "global",
  ),
  container: refused("no code is run here"),
  mcp_servers: refused("no server is asked for you; call it yourself, and send its tools in 'tools'"),
  context_management: accepted("The messages are read as they are sent: nothing is taken out of them here."),
  output_format: refused("use 'output_config.format'"),
  n: refused(oneMessage, (value) => isUnsent(value) || value === 1),
  best_of: refused(oneMessage, (value) => isUnsent(value) || value === 1),
  stop: refused("use 'stop_sequences'"),
  stream_options: refused("the usage is always there"),
  max_completion_tokens: refused("use 'max_tokens'"),
  max_output_tokens: refused("use 'max_tokens'"),
  max_tokens_to_sample: refused("use 'max_tokens'"),
  parallel_tool_calls: refused(
    "use 'tool_choice.disable_parallel_tool_use'",
    (value) => isUnsent(value) || value === true,
  ),
  reasoning_effort: refused("use 'output_config.effort'"),
  response_format: refused("use 'output_config.format'"),
  format: refused("use 'output_config.format'"),
  json_schema: refused("use 'output_config.format'"),
  logprobs: refused(noScores),
  return_token_ids: refused(noScores),
  return_token_offsets: refused(noScores),
  top_logprobs: refused(noScores),
  prompt_logprobs: refused(noScores),
  logprob_token_ids: refused(noScores),
  return_tokens_as_token_ids: refused(noScores),
  echo: refused("the prompt is not given back"),
  continue_final_message: refused("end 'messages' with one of the assistant's"),
  add_generation_prompt: refused(
    "end 'messages' with one of the assistant's",
    (value) => isUnsent(value) || value === true,
  ),
} as const;

/** The body of `POST /v1/messages`, within its bounds. */
export const MessagesBody = z.object(readShape(messagesMembers));
export type MessagesBody = z.infer<typeof MessagesBody>;

/** The same as the API's document tells it. */
export const MessagesRequest: z.ZodObject = describeMembers(messagesMembers);

/** A call as it was read: its own members, and what the tables of chats know of, or nobody. */
export interface SentMessages {
  body: MessagesBody;
  others: JsonObject;
}

/**
 * Reads the body of a call by its table. What has no row here has one in the table of chats, which then decides over
 * it, or none at all, which the answer tells. Throws a Refusal that names the member.
 */
export function parseMessages(json: unknown): SentMessages {
  if (!isObject(json)) return { body: parseBody(MessagesBody, json), others: {} };
  const [own, others]: [JsonObject, JsonObject] = [{}, {}];
  for (const [name, value] of Object.entries(json)) {
    const of = Object.hasOwn(messagesMembers, name) ? own : others;
    // A member called `__proto__` stays a plain member.
    Object.defineProperty(of, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return { body: parseBody(MessagesBody, pickMembers(own, messagesMembers, new IgnoredMembers())), others };
}

/** The members that a chat has under the same name. */
export function pickExtras(body: MessagesBody): JsonObject {
  return Object.fromEntries(Object.keys(extraMembers).map((name) => [name, Reflect.get(body, name)]));
}
