import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { isChat, type CallPath } from "#edge/agreements/paths.ts";

/** Members that a whole answer of vLLM always has, in its order; where nobody uses them they are null. */
const answerMembers = ["id", "object", "created", "model", "choices", "service_tier", "system_fingerprint", "usage"];
const chatMembers = [...answerMembers, "prompt_logprobs", "prompt_token_ids", "prompt_text"];
const messageMembers = [
  "role",
  "content",
  "refusal",
  "annotations",
  "audio",
  "function_call",
  "tool_calls",
  "reasoning",
];
const endMembers = ["logprobs", "finish_reason", "stop_reason", "token_ids"];
const chatChoiceMembers = ["index", "message", ...endMembers, "routed_experts"];
const textChoiceMembers = ["index", "text", ...endMembers, "prompt_logprobs", "prompt_token_ids", "routed_experts"];
const usageMembers = [
  "prompt_tokens",
  "total_tokens",
  "completion_tokens",
  "prompt_tokens_details",
  "completion_tokens_details",
];
const promptDetails = ["cached_tokens", "created_cache_tokens", "multimodal_tokens"];
/** The one member that is left out, not null, where there is none. */
const optional: ReadonlySet<string> = new Set(["tool_calls"]);

/**
 * Gives an answer that was put together from vLLM's chunks the form of vLLM's own whole answers: chunks leave out what
 * is null. The text of tool calls' arguments stays as the model wrote it, of which vLLM's whole answers have a reprint;
 * and no prompt is scored that nobody asked to score by name.
 */
export function completeVllmForm(answer: JsonObject, path: CallPath, request: JsonObject): JsonObject {
  const isOfChat = isChat(path);
  const choices = readObjects(answer["choices"]).map((choice) =>
    isOfChat ? completeChat(choice, request) : completeText(choice, request),
  );
  const { usage } = answer;
  const members = isOfChat ? chatMembers : answerMembers;
  return fill(
    { ...answer, choices, ...(isObject(usage) && { usage: completeUsage(usage) }) },
    members.filter((name) => name !== "usage" || isObject(usage)),
  );
}

function completeChat(choice: JsonObject, request: JsonObject): JsonObject {
  const message = isObject(choice["message"]) ? choice["message"] : {};
  const hasMore = message["tool_calls"] !== undefined || isFilled(message["reasoning"]);
  const content = message["content"] === "" && hasMore && !isToolForced(request) ? null : message["content"];
  return fill({ ...choice, message: fill({ ...message, content }, messageMembers) }, chatChoiceMembers);
}

/** vLLM's parsers leave no content beside a tool call or reasoning, but an empty text where the call was ordered. */
function isToolForced({ tool_choice: wanted }: JsonObject): boolean {
  return wanted === "required" || isObject(wanted);
}

function completeText(choice: JsonObject, request: JsonObject): JsonObject {
  const { logprobs } = choice;
  return fill(
    {
      ...choice,
      ...(isObject(logprobs) && { logprobs: { ...logprobs, text_offset: computeOffsets(logprobs["tokens"]) } }),
      // In a stream with `echo` the ids come along.
      prompt_token_ids: request["return_token_ids"] === true ? choice["prompt_token_ids"] : null,
    },
    textChoiceMembers,
  );
}

/** In chunks they count the text that was sent, which lags behind the tokens; in a whole answer the tokens. */
function computeOffsets(tokens: unknown): number[] {
  let offset = 0;
  return (Array.isArray(tokens) ? tokens : []).map((token) => {
    const at = offset;
    // Python counts code points.
    if (typeof token === "string") for (const _ of token) offset++;
    return at;
  });
}

function completeUsage(usage: JsonObject): JsonObject {
  const details = usage["prompt_tokens_details"];
  return fill(
    { ...usage, ...(isObject(details) && { prompt_tokens_details: fill(details, promptDetails) }) },
    usageMembers,
  );
}

/** The named members first, in their order, null where they are missing; then whatever else there is. */
function fill(object: JsonObject, members: readonly string[]): JsonObject {
  const filled: JsonObject = {};
  for (const name of members)
    if (object[name] !== undefined || !optional.has(name)) filled[name] = object[name] ?? null;
  return { ...filled, ...object, ...filled };
}

function isFilled(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function readObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
