import type { JsonObject } from "../../agreements/json.ts";
import { endpointPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { estimateTokens } from "../estimate.ts";
import { boundChat } from "./bounds/chat.ts";
import type { ChatBody } from "./members/chat.ts";
import { estimateCompile } from "./members/structure/compile.ts";
import type { IgnoredMembers } from "./members/member.ts";
import { keepMessages } from "./members/messages.ts";
import { keepNested } from "./members/nested.ts";
import { readPartKind, readPartText } from "./members/parts.ts";
import { findModel } from "./models.ts";
import { readAffinity, refuseStrayOptions, refuseSurelyLong, writeBody, type ParsedBody } from "./parsed-body.ts";
import { refuseCostlyScores } from "./scores.ts";

/** Returns the prompt's text alone, for estimates and for prefix affinity; media count nothing here. */
export function joinChatText(body: Pick<ChatBody, "messages">): string {
  return body.messages
    .map(({ content }) => {
      if (typeof content === "string") return content;
      return content ? content.map(readPartText).join("") : "";
    })
    .join("\n");
}

/** Tells whether any message has an image, a video or a sound; text is text under each of its names. */
export function hasMedia({ messages }: Pick<ChatBody, "messages">): boolean {
  return messages.some(({ content }) => Array.isArray(content) && content.some(isMedium));
}

function isMedium(part: JsonObject): boolean {
  const kind = readPartKind(part);
  return kind !== null && kind !== "text";
}

/** Reads the body of a chat; throws a Refusal that names the field. */
export function readChat(
  sent: ChatBody,
  endpoint: "chat.completions" | "text2sql",
  models: readonly ModelRecord[],
  ignored: IgnoredMembers,
): Omit<ParsedBody, "named"> {
  refuseStrayOptions(sent);
  if (sent.top_logprobs && !sent.logprobs) {
    throw new Refusal("invalid_value", {
      param: "top_logprobs",
      message: "'top_logprobs' needs 'logprobs' to be true.",
    });
  }
  const model = findModel(models, sent.model, endpoint);
  const body = { ...keepNested(sent, model, ignored), messages: keepMessages(sent.messages, model, ignored) };
  const requested = body.max_completion_tokens ?? body.max_tokens;
  const completionTokens = requested ?? Math.min(model.completionTokensDefault, model.contextTokensMax);
  const choices = body.n ?? 1;
  const text = joinChatText(body);
  refuseSurelyLong(text, "messages", model);
  const tools = body.tools?.length ? estimateTokens(JSON.stringify(body.tools)) : 0;
  const promptTokensGuess = estimateTokens(text) + tools + 5 * body.messages.length + 20;
  return {
    path: endpointPaths[endpoint].agent,
    model,
    body: writeBody(body, { model: model.id, max_tokens: completionTokens, max_completion_tokens: undefined }),
    isStream: body.stream ?? false,
    prompts: 1,
    choices,
    units: 0,
    promptTokensMax: boundChat(body, model),
    promptTokensGuess,
    completionTokens,
    isDefaultMax: requested === undefined,
    hasImages: hasMedia(body),
    isScored: refuseCostlyScores(body, { promptTokens: promptTokensGuess, choices, completionTokens }, model),
    compileSeconds: estimateCompile(body),
    affinity: readAffinity(body, text),
    ignored,
  };
}
