import { isObject, type JsonObject } from "../../../agreements/json.ts";
import type { ModelRecord } from "../../../agreements/records/model.ts";
import { messagesMax, nameBytesMax, toolCallsMax } from "../../../limits.ts";
import { checkChoice, checkList, checkMembers, checkText, type Check } from "./checks.ts";
import { isUnsent, refuseMember, type IgnoredMembers } from "./member.ts";
import {
  findContentFault,
  keepPart,
  listStrangeMembers,
  readPartKind,
  refusedPartTypes,
  type PartKind,
} from "./parts.ts";

/** A message of a chat, within its bounds. */
export interface Message extends JsonObject {
  role: string;
  content?: string | JsonObject[] | null;
}

const anyText = checkText(Number.MAX_SAFE_INTEGER);
const checkName = checkText(nameBytesMax);

const checkToolCall = checkMembers(
  {
    id: checkName,
    type: checkChoice("function"),
    function: checkMembers({ name: checkName, arguments: anyText }, ["name"]),
  },
  ["function"],
);

/** Members of a tool call that go on. */
export const toolCallMembers = ["id", "type", "function"];
/** Members of the function that it calls that go on. */
export const calledMembers = ["name", "arguments"];
/** Whoever a message may be from; `function` is refused by its name. */
export const messageRoles = ["system", "developer", "user", "assistant", "tool", "function"];

/** What each member of a message must be. What has no row here is not forwarded. */
const messageChecks: Readonly<Record<string, Check>> = {
  role: checkChoice(...messageRoles),
  content: findContentFault,
  name: checkName,
  tool_calls: checkList(checkToolCall, toolCallsMax),
  tool_call_id: checkName,
  reasoning: anyText,
  reasoning_content: anyText,
};

/** Members of a message that go on. */
export const messageMembers: readonly string[] = Object.keys(messageChecks);

/** Members that SDKs send back with an answer, and that no template reads. */
export const silentMembers: readonly string[] = ["refusal", "annotations", "cache_control", "function_call", "audio"];

/** What is wrong with the messages of a chat, up to the first fault. */
export const checkMessages: Check = checkList(checkMembers(messageChecks, ["role"]), messagesMax, 1);

/**
 * The messages as they go on: with the members that a table knows, and with parts that the model takes. Refuses what an
 * engine would leave out of the prompt, by its path. A message of known members and text is the very same.
 */
export function keepMessages(
  messages: readonly Message[],
  model: Pick<ModelRecord, "mediaTokensMax">,
  ignored: IgnoredMembers,
): Message[] {
  return messages.map((message, index) => {
    refuseLegacy(message, index);
    return keepMembers(message, { index, model, ignored });
  });
}

function refuseLegacy(message: Message, index: number): void {
  const path = `messages[${index}]`;
  if (message.role === "function") throw refuseMember(`${path}.role`, "use the role 'tool'", "'function'");
  if (!isUnsent(message["function_call"])) throw refuseMember(`${path}.function_call`, "use 'tool_calls'");
  if (!isUnsent(message["audio"])) throw refuseMember(`${path}.audio`, "no model here answers in sound");
}

interface Keeping {
  index: number;
  model: Pick<ModelRecord, "mediaTokensMax">;
  ignored: IgnoredMembers;
}

/** What nearly all messages are: known members, each of which says something, and text. */
function isWhole(message: Message): boolean {
  return Object.entries(message).every(
    ([name, value]) =>
      value !== null &&
      (name === "content" ? typeof value === "string" : name !== "tool_calls" && Object.hasOwn(messageChecks, name)),
  );
}

function keepMembers(message: Message, keeping: Keeping): Message {
  if (isWhole(message)) return message;
  const kept: Message = { role: message.role };
  for (const [name, value] of Object.entries(message)) {
    if (value === null || value === undefined) {
      if (name === "content") kept[name] = null;
    } else if (name === "content") kept.content = typeof value === "string" ? value : keepContent(message, keeping);
    else if (name === "tool_calls") {
      if (!isUnsent(value)) kept[name] = keepToolCalls(value, keeping.ignored);
    } else if (Object.hasOwn(messageChecks, name)) kept[name] = value;
    else if (!silentMembers.includes(name)) keeping.ignored.add("messages[]", name);
  }
  return kept;
}

function keepContent({ content }: Message, { index, model, ignored }: Keeping): JsonObject[] {
  const parts = Array.isArray(content) ? content : [];
  return parts.map((part, at) => {
    const kind = readPartKind(part);
    if (kind === null || !takes(model, kind)) throw refusePart(part, `messages[${index}].content[${at}]`, model);
    for (const name of listStrangeMembers(part)) ignored.add("messages[].content[]", name);
    return keepPart(part);
  });
}

/** Does the model take such parts? Text always; a medium where its record says how many tokens one may be. */
export function takes({ mediaTokensMax }: Pick<ModelRecord, "mediaTokensMax">, kind: PartKind): boolean {
  return kind === "text" || mediaTokensMax?.[kind] !== undefined;
}

const media = ["image", "audio", "video"] as const;

function refusePart(part: JsonObject, path: string, model: Keeping["model"]) {
  const { type } = part;
  const instead = typeof type === "string" ? refusedPartTypes.get(type) : undefined;
  if (instead !== undefined) return refuseMember(`${path}.${String(type)}`, instead);
  const taken = ["text", ...media.filter((kind) => takes(model, kind))];
  return refuseMember(`${path}.type`, `this model takes ${taken.join(", ")}`, "This type of part");
}

function keepToolCalls(calls: unknown, ignored: IgnoredMembers): JsonObject[] {
  const list: unknown[] = Array.isArray(calls) ? calls : [];
  return list.filter(isObject).map((call) => {
    const kept = keepNames(call, toolCallMembers, (name) => ignored.add("messages[].tool_calls[]", name));
    const called = kept["function"];
    if (!isObject(called)) return kept;
    const of = keepNames(called, calledMembers, (name) => ignored.add("messages[].tool_calls[].function", name));
    return { ...kept, function: of };
  });
}

/** An object with these members alone; each other one that says something is told of. The same where there is none. */
export function keepNames(
  object: JsonObject,
  names: readonly string[],
  onOther: (name: string) => void = () => {},
): JsonObject {
  const kept: [string, unknown][] = [];
  let isWhole = true;
  for (const [name, value] of Object.entries(object)) {
    if (names.includes(name) && value !== null) kept.push([name, value]);
    else {
      isWhole = false;
      if (value !== null && value !== undefined && !names.includes(name)) onOther(name);
    }
  }
  return isWhole ? object : Object.fromEntries(kept);
}
