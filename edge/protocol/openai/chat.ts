import { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { endpointPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { messagesMax, partsMax, toolsMax } from "../../limits.ts";
import { estimateTokens } from "../estimate.ts";
import { readAffinity, refuseStrayOptions, writeBody, type ParsedBody } from "./parsed-body.ts";
import { findModel } from "./models.ts";
import { refuseRemoteMedia } from "./reserved-fields.ts";
import { refuseUnsupportedParts } from "./unsupported.ts";
import { createCheckedSchema, createListSchema, sampling, countUtf8Bytes, type FieldFault } from "../fields.ts";

/** The four types of a text part, and the member that holds its text. vLLM reads them alike. */
const textMembers: ReadonlyMap<unknown, string> = new Map([
  ["text", "text"],
  ["input_text", "text"],
  ["output_text", "text"],
  ["refusal", "refusal"],
]);
const mediaType = /image|video|audio/i;

const Part = createCheckedSchema<JsonObject & { type: string }>(findPartFault);

function findPartFault(part: unknown): FieldFault | null {
  if (!isObject(part)) return { path: [], message: "must be an object" };
  const { type } = part;
  if (type === undefined) return { path: ["type"], message: "is required" };
  if (typeof type !== "string") return { path: ["type"], message: "must be a string" };
  if (type === "") return { path: ["type"], message: "must not be empty" };
  const member = textMembers.get(type);
  if (member === undefined || typeof part[member] === "string") return null;
  return { path: [member], message: part[member] === undefined ? "is required" : "must be a string" };
}

const Message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: z.union([z.string(), createListSchema(Part, partsMax)]).nullish(),
});

/** The body of `POST /v1/chat/completions`, as OpenAI and vLLM define it; unknown members pass. */
export const ChatBody = z.looseObject({
  ...sampling,
  messages: createListSchema(Message, messagesMax, 1),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: createListSchema(z.looseObject({ type: z.string() }), toolsMax).nullish(),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string() })]).nullish(),
});
export type ChatBody = z.infer<typeof ChatBody>;

/** The body of `POST /text2sql`: shaped like a chat, and the model is optional. */
export const Text2SqlBody = ChatBody.extend({ model: sampling.model.nullish() });

/**
 * A chat template adds role markers around each message and, for Qwen, a default system prompt; tools add a preamble
 * and are spelled out.
 */
const templateTokens = 64;
const toolsTokens = 512;

/**
 * Returns an upper bound of the prompt in tokens: a byte-level BPE never needs more tokens than UTF-8 bytes, and the
 * JSON around each message (28 bytes and more) outweighs its role markers. Tools count twice, since templates print
 * them with spaces.
 */
export function boundChatPrompt(body: JsonObject): number {
  const { messages, tools, chat_template_kwargs: kwargs, documents } = body;
  const toolTokensMax = Array.isArray(tools) && tools.length > 0 ? 2 * countJsonBytes(tools) + toolsTokens : 0;
  const kwargsMax = kwargs ? countJsonBytes(kwargs) : 0;
  const documentsMax = documents ? 2 * countJsonBytes(documents) : 0;
  return countJsonBytes(messages) + templateTokens + toolTokensMax + kwargsMax + documentsMax;
}

function countJsonBytes(value: unknown): number {
  return countUtf8Bytes(JSON.stringify(value));
}

/** Returns the prompt's text alone, for estimates and for prefix affinity; media count nothing here. */
export function joinChatText(body: ChatBody): string {
  return body.messages
    .map(({ content }) => {
      if (typeof content === "string") return content;
      return content ? content.map(readPartText).join("") : "";
    })
    .join("\n");
}

function readPartText(part: JsonObject): string {
  const text = part[textMembers.get(part["type"]) ?? ""];
  return typeof text === "string" ? text : "";
}

/** Tells whether any message has an image, a video or a sound; text is text under each of its names. */
export function hasMedia(body: ChatBody): boolean {
  return body.messages.some(
    ({ content }) => Array.isArray(content) && content.some((part) => mediaType.test(part.type)),
  );
}

/** Reads the body of a chat; throws a Refusal that names the field. */
export function readChat(
  body: ChatBody,
  endpoint: "chat.completions" | "text2sql",
  models: readonly ModelRecord[],
): ParsedBody {
  refuseStrayOptions(body);
  refuseUnsupportedParts(body.messages, body.tools ?? []);
  refuseRemoteMedia(body.messages);
  if (body.top_logprobs && !body.logprobs) {
    throw new Refusal("invalid_value", {
      param: "top_logprobs",
      message: "'top_logprobs' needs 'logprobs' to be true.",
    });
  }
  const model = findModel(models, body.model, endpoint);
  const requested = body.max_completion_tokens ?? body.max_tokens;
  const completionTokens = requested ?? Math.min(model.completionTokensDefault, model.contextTokensMax);
  const text = joinChatText(body);
  const tools = body.tools?.length ? estimateTokens(JSON.stringify(body.tools)) : 0;
  return {
    path: endpointPaths[endpoint].agent,
    model,
    body: writeBody(body, { model: model.id, max_tokens: completionTokens, max_completion_tokens: undefined }),
    isStream: body.stream ?? false,
    choices: body.n ?? 1,
    promptTokensMax: boundChatPrompt(body),
    promptTokensGuess: estimateTokens(text) + tools + 5 * body.messages.length + 20,
    completionTokens,
    isDefaultMax: requested === null || requested === undefined,
    hasImages: hasMedia(body),
    affinity: readAffinity(body, text),
  };
}
