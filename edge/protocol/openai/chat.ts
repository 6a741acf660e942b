import { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { endpointPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { messagesMax, partsMax, toolsMax } from "../../limits.ts";
import { estimateTokens } from "../estimate.ts";
import { boundChat } from "./bounds/chat.ts";
import { findMediaKind, readPartText, textMembers } from "./bounds/parts.ts";
import { readAffinity, refuseStrayOptions, writeBody, type ParsedBody } from "./parsed-body.ts";
import { findModel } from "./models.ts";
import { refuseRemoteMedia } from "./reserved-fields.ts";
import { refuseUnsupportedParts } from "./unsupported.ts";
import { createCheckedSchema, createListSchema, sampling, type FieldFault } from "../fields.ts";

export { boundChat };

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

/** Returns the prompt's text alone, for estimates and for prefix affinity; media count nothing here. */
export function joinChatText(body: ChatBody): string {
  return body.messages
    .map(({ content }) => {
      if (typeof content === "string") return content;
      return content ? content.map((part) => readPartText(part) ?? "").join("") : "";
    })
    .join("\n");
}

/** Tells whether any message has an image, a video or a sound; text is text under each of its names. */
export function hasMedia(body: ChatBody): boolean {
  return body.messages.some(
    ({ content }) => Array.isArray(content) && content.some((part) => findMediaKind(part.type) !== null),
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
    promptTokensMax: boundChat(body, model),
    promptTokensGuess: estimateTokens(text) + tools + 5 * body.messages.length + 20,
    completionTokens,
    isDefaultMax: requested === null || requested === undefined,
    hasImages: hasMedia(body),
    affinity: readAffinity(body, text),
  };
}
