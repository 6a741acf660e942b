import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { Refusal } from "../../../errors.ts";
import { parseBody } from "../../fields.ts";
import { renameByTable } from "../../wires/rename.ts";
import type { Recalled, SentCall, TranslatedCall } from "../../wires/wire.ts";
import { chatMembers } from "../members/chat.ts";
import { IgnoredMembers, pickMembers } from "../members/member.ts";
import { ResponsesBody, responsesMembers } from "./members.ts";
import { writeMessages } from "./messages.ts";
import { replaceReferences } from "./references.ts";
import { readStorageWish, refuseUnstored, writeInputItems } from "./storage.ts";
import { nameStrange, writeFormat } from "./text-format.ts";
import { writeTools } from "./tools.ts";

/** The caller's own names of a chat's members, where no item or tool of theirs has another. */
export const ownNames: Readonly<Record<string, string>> = {
  messages: "input",
  max_tokens: "max_output_tokens",
  max_completion_tokens: "max_output_tokens",
  response_format: "text.format",
  "response_format.json_schema": "text.format",
  reasoning_effort: "reasoning.effort",
  logprobs: "include",
};

/**
 * Reads the body of `POST /v1/responses` as that of a chat (OpenAI's reference of the Responses API). Throws a Refusal
 * of status 400 that names the member. Reading is one thing and writing another: numbers with more digits than a double
 * keeps are written from `exact`, of which no number is ever looked at.
 */
export function translateResponses({ json, exact, recalled = null }: SentCall): TranslatedCall {
  const ignored = new IgnoredMembers();
  if (!isObject(json)) return { json, exact: null, answer: null, rename: (param) => param, ignored };
  const picked = pickMembers(json, responsesMembers, ignored);
  const body: JsonObject = parseBody(ResponsesBody, picked);
  refuseStrayLogprobs(body);
  const found = recalled ?? refuseStorage(body);
  const { chat, names } = writeChat(body, found, ignored);
  const previous = typeof body["previous_response_id"] === "string" ? body["previous_response_id"] : null;
  const input = replaceReferences(body["input"], found);
  return {
    json: chat,
    exact: exact && writeChat(followMembers(body, exact), found, new IgnoredMembers()).chat,
    answer: {
      ...pickRepeated(body),
      ...(found.isStored && { store: true }),
      ...(previous !== null && { previous_response_id: previous }),
    },
    rename: (param) => renameOwn(param, names),
    ignored,
    ...(found.isStored && { kept: { input: writeInputItems(input), previous } }),
  };
}

/** Items of earlier turns are not the caller's to number. */
function renameOwn(param: string, names: Readonly<Record<string, string>>): string {
  const own = renameByTable(param, { ...ownNames, ...names });
  return own.startsWith(earlierName) ? earlierName : own;
}

const earlierName = "previous_response_id";

/** Without storage there is nothing before a call's own items, and whoever counts on it is refused. */
function refuseStorage(body: JsonObject): Recalled {
  const wish = readStorageWish(body);
  if (wish && (wish.store === true || wish.previous !== null)) throw refuseUnstored(wish);
  return { earlier: [], referenced: new Map(), isStored: false };
}

function followMembers(body: JsonObject, exact: JsonObject): JsonObject {
  return Object.fromEntries(Object.keys(body).map((name) => [name, exact[name]]));
}

const logprobsInclude = "message.output_text.logprobs";

function wantsLogprobs({ include }: JsonObject): boolean {
  return Array.isArray(include) && include.includes(logprobsInclude);
}

function refuseStrayLogprobs(body: JsonObject): void {
  if (!body["top_logprobs"] || wantsLogprobs(body)) return;
  const param = "top_logprobs";
  throw new Refusal("invalid_value", { param, message: `'${param}' needs '${logprobsInclude}' in 'include'.` });
}

/** Members that a chat has under another name, or not at all. */
const translated: ReadonlySet<string> = new Set([
  "input",
  "instructions",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "text",
  "reasoning",
  "include",
  "top_logprobs",
  "max_output_tokens",
  "store",
]);

function writeChat(
  body: JsonObject,
  found: Recalled,
  ignored: IgnoredMembers,
): { chat: JsonObject; names: Record<string, string> } {
  const own = { ...body, input: replaceReferences(body["input"], found) };
  const { messages, names } = writeMessages(own, ignored, { items: found.earlier, path: earlierName });
  const { tools, choice, names: toolNames } = writeTools(body, ignored);
  const { reasoning, max_output_tokens, parallel_tool_calls, top_logprobs } = body;
  if (isObject(reasoning))
    nameStrange(reasoning, { path: "reasoning", known: ["effort", "summary", "generate_summary"] }, ignored);
  const same = Object.entries(body).filter(([name]) => Object.hasOwn(chatMembers, name) && !translated.has(name));
  const chat: JsonObject = {
    ...Object.fromEntries(same),
    messages,
    max_completion_tokens: max_output_tokens,
    tools,
    tool_choice: choice,
    parallel_tool_calls: tools && parallel_tool_calls,
    response_format: writeFormat(body["text"], ignored),
    reasoning_effort: isObject(reasoning) ? reasoning["effort"] : undefined,
    ...(wantsLogprobs(body) && { logprobs: true, top_logprobs }),
  };
  const isSent = ([, value]: [string, unknown]) => value !== undefined && value !== null;
  return { chat: Object.fromEntries(Object.entries(chat).filter(isSent)), names: { ...names, ...toolNames } };
}

/** What an answer repeats of its request, under the same names. */
const repeatedMembers = [
  "instructions",
  "max_output_tokens",
  "metadata",
  "parallel_tool_calls",
  "prompt_cache_key",
  "reasoning",
  "safety_identifier",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_logprobs",
  "top_p",
  "user",
] as const;

function pickRepeated(body: JsonObject): JsonObject {
  const isSent = (name: string) => body[name] !== undefined && body[name] !== null;
  return Object.fromEntries(repeatedMembers.filter(isSent).map((name) => [name, body[name]]));
}
