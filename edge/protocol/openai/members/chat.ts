import { z } from "zod";
import { isObject, type JsonObject } from "../../../agreements/json.ts";
import {
  documentsMax,
  logprobsMax,
  messagesMax,
  nameBytesMax,
  partsMax,
  templateValueBytesMax,
  toolsBytesMax,
  toolsMax,
} from "../../../limits.ts";
import { countUtf8Bytes, createCheckedSchema, type FieldFault } from "../../fields.ts";
import { checkBoolean, checkList, checkMembers, checkText, type Check } from "./checks.ts";
import { findSchemaFault } from "./structure/json-schema.ts";
import { accepted, forwarded, isUnsent, orEmpty, ours, readShape, refused, required } from "./member.ts";
import { checkMessages, type Message } from "./messages.ts";
import { partTypeNames } from "./parts.ts";
import { harmless, modelMember, modelOrOurs, sampling, unavailable, withheld } from "./shared.ts";

/** A tool of a chat, within its bounds. */
export interface Tool extends JsonObject {
  type: string;
}

const checkToolMembers = checkMembers(
  {
    type: checkText(64, 1),
    function: checkMembers(
      {
        name: checkText(nameBytesMax, 1),
        description: checkText(toolsBytesMax),
        parameters: findSchemaFault,
        strict: checkBoolean,
      },
      ["name"],
    ),
  },
  ["type"],
);
/** Tools of other types have no `function`; they are refused by their type. */
const checkTool: Check = (value) => {
  const isIncomplete = isObject(value) && value["type"] === "function" && value["function"] === undefined;
  return isIncomplete ? { path: ["function"], message: "is required" } : checkToolMembers(value);
};
const checkToolList = checkList(checkTool, toolsMax);

function findToolsFault(tools: unknown): FieldFault | null {
  const found = checkToolList(tools);
  if (found || countUtf8Bytes(JSON.stringify(tools)) <= toolsBytesMax) return found;
  return { path: [], message: `must have at most ${toolsBytesMax} bytes in all` };
}

/** Members of a tool that go on. */
export const toolMembers = ["type", "function"];
/** Members of a tool's function that go on. */
export const functionMembers = ["name", "description", "parameters", "strict"];

/** Switches that models' own templates read; a model's record may name more. */
export const templateSwitches: readonly string[] = [
  "enable_thinking",
  "thinking",
  "preserve_thinking",
  "clear_thinking",
  "thinking_budget",
  "reasoning_effort",
  "add_vision_id",
  "date_string",
  "builtin_tools",
];

const checkSwitch: Check = (value) => {
  const isPlain = typeof value === "boolean" || typeof value === "number";
  if (isPlain || (JSON.stringify(value) ?? "").length <= templateValueBytesMax) return null;
  return { path: [], message: `must have at most ${templateValueBytesMax} bytes` };
};

function findSwitchesFault(value: unknown): FieldFault | null {
  if (!isObject(value)) return { path: [], message: "must be an object" };
  for (const [name, one] of Object.entries(value)) {
    const found = checkSwitch(one);
    if (found) return { ...found, path: [name] };
  }
  return null;
}

const checkDocument: Check = (value) => {
  if (!isObject(value)) return { path: [], message: "must be an object" };
  const wrong = Object.keys(value).find((name) => typeof value[name] !== "string");
  return wrong === undefined ? null : { path: [wrong], message: "must be a string" };
};

const checkChosen: Check = (value) => {
  if (value === "none" || value === "auto" || value === "required") return null;
  if (!isObject(value)) return { path: [], message: "must be none, auto, required, or the name of a tool" };
  return checkMembers({ type: checkText(64), function: checkMembers({ name: checkText(nameBytesMax, 1) }, ["name"]) }, [
    "type",
    "function",
  ])(value);
};

const noAudio = "no model here answers in sound";
const noTemplate = "the model's own template is used, with the switches of 'chat_template_kwargs'";
const asMessage = "use a message with the role 'system'";

const shownPart = z.looseObject({
  type: z
    .string()
    .min(1)
    .describe(`What it brings, where the model takes it: ${partTypeNames.join(", ")}.`),
  text: z.string().optional(),
  image_url: z.looseObject({ url: z.string().describe("A `data:` URI; addresses are not fetched.") }).optional(),
});
const shownMessage = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(shownPart).max(partsMax)]).nullish(),
  name: z.string().nullish(),
  tool_calls: z.array(z.looseObject({})).nullish(),
  tool_call_id: z.string().nullish(),
});
const shownTool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: z.looseObject({}).nullish().describe("JSON Schema."),
  }),
});

/** The members of `POST /v1/chat/completions`. */
export const chatMembers = {
  model: modelMember,
  messages: required(
    createCheckedSchema<Message[]>(checkMessages),
    "What was said so far.",
    z.array(shownMessage).min(1).max(messagesMax),
  ),
  ...sampling,
  max_tokens: ours(z.int().min(1), "The most tokens of each answer; the older name."),
  max_completion_tokens: ours(z.int().min(1), "The most tokens of each answer, its reasoning included."),
  logprobs: forwarded(z.boolean(), "Log-probabilities of the answer's tokens."),
  top_logprobs: forwarded(z.int().min(0).max(logprobsMax), "So many of them for each token; needs `logprobs`."),
  tools: orEmpty(
    forwarded(
      createCheckedSchema<Tool[]>(findToolsFault),
      `What the model may ask you to call: at most ${toolsMax}, of ${toolsBytesMax / 1024} KiB in all.`,
      z.array(shownTool).max(toolsMax),
    ),
  ),
  tool_choice: orEmpty(
    forwarded(
      createCheckedSchema<string | JsonObject>(checkChosen),
      "Whether a tool must be called, and which.",
      z.union([
        z.enum(["none", "auto", "required"]),
        z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) }),
      ]),
    ),
  ),
  parallel_tool_calls: forwarded(z.boolean(), "More than one call of a tool in one answer."),
  reasoning_effort: forwarded(
    z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "How long to reason, where the model's template knows it.",
  ),
  include_reasoning: ours(z.boolean(), "`false` leaves the reasoning out of the answer; it is paid all the same."),
  chat_template_kwargs: orEmpty(
    forwarded(
      createCheckedSchema<JsonObject>(findSwitchesFault),
      "Switches of the model's template, such as `enable_thinking`.",
      z.looseObject({}),
    ),
  ),
  documents: orEmpty(
    forwarded(
      createCheckedSchema<Record<string, string>[]>(checkList(checkDocument, documentsMax)),
      "Texts for templates that print documents.",
      z.array(z.record(z.string(), z.string())).max(documentsMax),
    ),
  ),
  echo: forwarded(
    z.boolean(),
    "Give the last message back before the answer. The prompt is scored for it, and priced so.",
  ),
  add_generation_prompt: forwarded(z.boolean(), "Begin an answer of the assistant; true unless set."),
  continue_final_message: forwarded(z.boolean(), "Go on with the last message instead."),
  functions: refused("use 'tools'"),
  function_call: refused("use 'tool_choice'"),
  audio: refused(noAudio),
  modalities: refused(noAudio, (value) => Array.isArray(value) && value.every((one) => one === "text")),
  web_search_options: refused("no model here searches the web", (value) => value === null || value === undefined),
  verbosity: refused("say it in a message", (value) => isUnsent(value) || value === "medium"),
  chat_template: refused(noTemplate),
  system: refused(asMessage),
  instructions: refused(asMessage),
  thinking: refused("use 'reasoning_effort' or 'chat_template_kwargs'"),
  prompt: accepted("A chat has messages."),
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

/** The body of `POST /v1/chat/completions`, within its bounds. */
export const ChatBody = z.object(readShape(chatMembers));
export type ChatBody = z.infer<typeof ChatBody>;

/** The members of `POST /text2sql`: those of a chat, and the model may be left out. */
export const text2sqlMembers = { ...chatMembers, model: modelOrOurs } as const;
/** The body of `POST /text2sql`, within its bounds. */
export const Text2SqlBody = z.object(readShape(text2sqlMembers));
