import { z } from "zod";
import type { JsonObject } from "../../../agreements/json.ts";
import { logprobsMax, messagesMax, partsMax, toolsBytesMax, toolsMax } from "../../../limits.ts";
import { createCheckedSchema } from "../../fields.ts";
import { chatMembers } from "../members/chat.ts";
import { checkMembers, checkText } from "../members/checks.ts";
import { accepted, forwarded, isUnsent, orEmpty, ours, readShape, refused, required } from "../members/member.ts";
import { modelMember, sampling, unavailable, withheld } from "../members/shared.ts";
import { findInputFault } from "./items.ts";
import { findTextFault } from "./text-format.ts";
import { findChoiceFault, findToolsFault } from "./tools.ts";

/** What `include` may ask for, as OpenAI names it; all but the first belong to tools that are not run here. */
const includable = [
  "message.output_text.logprobs",
  "reasoning.encrypted_content",
  "message.input_image.image_url",
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "computer_call_output.output.image_url",
  "code_interpreter_call.outputs",
] as const;

/** OpenAI's own bounds: 16 pairs, names of 64 characters, values of 512. Answers repeat them. */
const notes = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { message: "must have at most 16 members" });
const label = z.string().max(512);

const findReasoningFault = checkMembers({ effort: checkText(16), summary: checkText(64) });

const shownItem = z.looseObject({
  type: z
    .enum([
      "message",
      "function_call",
      "function_call_output",
      "custom_tool_call",
      "custom_tool_call_output",
      "reasoning",
      "item_reference",
    ])
    .optional(),
  role: z.enum(["user", "assistant", "system", "developer"]).optional(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })).max(partsMax)]).optional(),
});
const shownTool = z.looseObject({
  type: z.enum(["function", "custom", "namespace"]),
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: z.looseObject({}).nullish().describe("JSON Schema."),
  strict: z.boolean().nullish(),
});
const shownText = z.looseObject({
  format: z
    .looseObject({
      type: z.enum(["text", "json_object", "json_schema"]),
      name: z.string().optional(),
      schema: z.looseObject({}).optional().describe("JSON Schema."),
      strict: z.boolean().nullish(),
    })
    .nullish(),
  verbosity: z.enum(["low", "medium", "high"]).nullish(),
});

/** Of the members by which chats choose tokens those that mean the same here. */
const { n: _n, stream: _stream, stream_options: _options, response_format: _format, ...chosen } = sampling;

/** The members of `POST /v1/responses`: OpenAI's, and of vLLM's those that chats take as well. */
export const responsesMembers = {
  model: modelMember,
  input: required(
    createCheckedSchema<string | JsonObject[]>(findInputFault),
    `Text, or items: messages, calls of tools and what came of them, reasoning; at most ${messagesMax}.`,
    z.union([z.string(), z.array(shownItem).min(1).max(messagesMax)]),
  ),
  instructions: ours(z.string(), "The first message of the system."),
  stream: ours(z.boolean(), "Send the answer as it is made."),
  max_output_tokens: ours(z.int().min(1), "The most tokens of the answer, its reasoning included."),
  tools: orEmpty(
    forwarded(
      createCheckedSchema<JsonObject[]>(findToolsFault),
      `What the model may ask you to call: at most ${toolsMax}, of ${toolsBytesMax / 1024} KiB in all, of the ` +
        "types `function`, `custom` (a grammar is shown to the model, not enforced) and `namespace`.",
      z.array(shownTool).max(toolsMax),
    ),
  ),
  tool_choice: orEmpty(
    forwarded(
      createCheckedSchema<string | JsonObject>(findChoiceFault),
      "Whether a tool must be called, and which; `allowed_tools` hides all others from the model.",
      z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string() })]),
    ),
  ),
  parallel_tool_calls: chatMembers.parallel_tool_calls,
  text: orEmpty(
    forwarded(
      createCheckedSchema<JsonObject>(findTextFault),
      "`format`: text, JSON, or JSON of a schema. `verbosity` changes nothing: say it in `instructions`.",
      shownText,
    ),
  ),
  reasoning: orEmpty(
    forwarded(
      createCheckedSchema<JsonObject>(findReasoningFault),
      "`effort`: how long to reason, where the model's template knows it. Reasoning is shown as it is, never as a " +
        "summary, so `summary` changes nothing.",
      z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }),
    ),
  ),
  include: orEmpty(
    ours(
      z.array(z.enum(includable)).max(includable.length),
      "`message.output_text.logprobs`. Reasoning is never encrypted; the others belong to tools that are not run here.",
    ),
  ),
  top_logprobs: ours(
    z.int().min(0).max(logprobsMax),
    "So many log-probabilities for each token; needs `message.output_text.logprobs` in `include`.",
  ),
  metadata: orEmpty(ours(notes, "Your own notes; repeated, and stored with the answer alone.")),
  user: ours(label, "Your own name for who asks; repeated, not forwarded."),
  safety_identifier: ours(label, "The same under its newer name."),
  prompt_cache_key: ours(z.unknown(), "Calls with the same key go to the same node while it has room."),
  prompt_cache_retention: accepted("The engine's cache keeps what it has room for."),
  prompt_cache_options: accepted("The engine's cache keeps what it has room for."),
  service_tier: accepted("The tier follows from the call: see `x-penstock-tier`."),
  client_metadata: accepted("Your client's own notes; not stored."),
  stream_options: accepted("Usage is always told; events are not padded."),
  max_tool_calls: accepted("It counts tools that a server runs; there are none here."),
  store: orEmpty(
    ours(
      z.boolean(),
      "Store the answer, if your org stores any (docs/decisions/0020): then it is true where it is not sent, else " +
        "true is 400.",
    ),
  ),
  previous_response_id: orEmpty(
    ours(z.string().max(512), "The stored response that this goes on from: its items come before `input`."),
  ),
  conversation: refused("use 'previous_response_id', or send the whole conversation in 'input'"),
  background: refused("an answer is sent while it is made; ask for a stream"),
  prompt: refused("no prompts are stored here, so send 'instructions' and 'input'"),
  truncation: refused("shorten 'input' yourself", (value) => isUnsent(value) || value === "disabled"),
  context_management: refused("shorten 'input' yourself"),
  moderation: refused("nothing is moderated here"),
  ...chosen,
  prompt_logprobs: refused("ask for them in a chat: a response has no room for them"),
  chat_template_kwargs: chatMembers.chat_template_kwargs,
  messages: refused("use 'input'"),
  system: refused("use 'instructions'"),
  max_tokens: refused("use 'max_output_tokens'"),
  max_completion_tokens: refused("use 'max_output_tokens'"),
  response_format: refused("use 'text.format'"),
  reasoning_effort: refused("use 'reasoning.effort'"),
  verbosity: refused("use 'text.verbosity'"),
  logprobs: refused("use 'include'"),
  functions: refused("use 'tools'"),
  function_call: refused("use 'tool_choice'"),
  n: refused("an answer has one choice", (value) => isUnsent(value) || value === 1),
  ...withheld,
  ...omitOwn(unavailable),
} as const;

/** What is a member of this body is no mistake for one. */
function omitOwn({ max_output_tokens: _own, ...others }: typeof unavailable) {
  return others;
}

/** What of a body says something of storage. */
export const storageMembers = z.object(
  readShape({ store: responsesMembers.store, previous_response_id: responsesMembers.previous_response_id }),
);

/** The body of `POST /v1/responses`, within its bounds. */
export const ResponsesBody = z.object(readShape(responsesMembers));
