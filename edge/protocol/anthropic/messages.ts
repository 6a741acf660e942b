import { isObject, type JsonObject } from "../../agreements/json.ts";
import { Refusal } from "../../errors.ts";
import { messagesMax } from "../../limits.ts";
import { checkChoice, checkList, checkMembers, type Check } from "../openai/members/checks.ts";
import { refuseMember } from "../openai/members/member.ts";
import { messageMembers } from "../openai/members/messages.ts";
import { findContentFault, listBlocks, readText, refuseBlock, writePart } from "./blocks.ts";

/** A message of a call, within its bounds. */
export interface SentMessage extends JsonObject {
  role: "user" | "assistant" | "system";
  content: string | JsonObject[];
}

const checkMembersOf = checkMembers({ role: checkChoice("user", "assistant", "system"), content: findContentFault }, [
  "role",
  "content",
]);
const checkMessage: Check = (message) => {
  const found = checkMembersOf(message);
  if (found || !isObject(message)) return found;
  const isEmpty = Array.isArray(message["content"]) && message["content"].length === 0;
  return isEmpty && message["role"] !== "assistant" ? { path: ["content"], message: "must not be empty" } : null;
};

/** What is wrong with the messages of a call, up to the first fault. */
export const checkMessages: Check = checkList(checkMessage, messagesMax, 1);

/** A message of a chat, and the caller's own names for it and for what it is made of. */
export interface WrittenMessage {
  message: JsonObject;
  path: string;
  content: string;
  parts: readonly string[];
  calls: readonly string[];
}

/** A part of a message, and the caller's name for the block that it was. */
interface WrittenPart {
  part: JsonObject;
  path: string;
}

/** The messages as a chat has them; `isContinued` where the model is to go on with the last one. */
export interface WrittenChat {
  messages: WrittenMessage[];
  isContinued: boolean;
}

/**
 * Writes a system prompt and messages as a chat's: the results of tools are messages of their own, in front of what
 * else the user says; pictures in them stand behind all results, since chats' tools give back text. `exact` is the
 * list of messages with the digits that a double cannot keep, or null.
 */
export function writeMessages(
  { system, messages }: { system?: string | JsonObject[] | undefined; messages: readonly SentMessage[] },
  exact: unknown,
): WrittenChat {
  const written = system === undefined ? [] : [writeSpoken("system", "system", listSystem(system))];
  for (const [at, message] of messages.entries()) {
    const path = `messages[${at}]`;
    refuseOfChats(message, path);
    if (message.role === "assistant") written.push(writeAssistant(message, path, readStep(exact, at, "content")));
    else written.push(...writeUsers(message, path));
  }
  const last = messages.at(-1);
  return last?.role === "assistant" ? endOnAnswer(written) : { messages: written, isContinued: false };
}

/** Members of a chat's messages would go on as such: here all that is said stands in blocks. */
function refuseOfChats(message: SentMessage, path: string): void {
  for (const [name, value] of Object.entries(message)) {
    if (name === "role" || name === "content" || value === null || !messageMembers.includes(name)) continue;
    throw refuseMember(`${path}.${name}`, "put it into a block of 'content'");
  }
}

/** The model goes on with an answer that has begun. One that is empty has not. */
function endOnAnswer(written: WrittenMessage[]): WrittenChat {
  const last = written.at(-1);
  const call = last?.calls[0];
  if (call !== undefined) {
    const message = `'${call}' is a call of a tool: end with a message of the user that has its 'tool_result'.`;
    throw new Refusal("invalid_value", { param: call, message });
  }
  if (last?.message["content"] !== "") return { messages: written, isContinued: true };
  if (last.message["reasoning"] !== undefined) {
    const message = `'${last.content}' has thoughts alone: the answer can go on with text only.`;
    throw new Refusal("invalid_value", { param: last.content, message });
  }
  return { messages: written.slice(0, -1), isContinued: false };
}

function listSystem(system: string | JsonObject[]): WrittenPart[] {
  if (typeof system === "string") return [{ part: { type: "text", text: system }, path: "system" }];
  return system.map((block, at) => {
    const path = `system[${at}]`;
    if (block["type"] !== "text") throw refuseBlock(block, path, "system");
    return { part: writePart(block), path };
  });
}

function writeUsers(message: SentMessage, path: string): WrittenMessage[] {
  const { role, content } = message;
  if (typeof content === "string") return [write({ role, content }, path)];
  const results: WrittenMessage[] = [];
  const pictures: WrittenPart[] = [];
  const parts: WrittenPart[] = [];
  for (const [at, block] of content.entries()) {
    const own = `${path}.content[${at}]`;
    const { type } = block;
    if (type === "text" || (type === "image" && role === "user")) parts.push({ part: writePart(block), path: own });
    else if (type === "tool_result" && role === "user") results.push(writeResult(block, own, pictures));
    else throw refuseBlock(block, own, role);
  }
  const spoken = [...pictures, ...parts];
  return spoken.length === 0 ? results : [...results, writeSpoken(role, path, spoken)];
}

/** A chat's tools say nothing of errors, so the text does. Puts pictures aside. */
function writeResult(block: JsonObject, path: string, pictures: WrittenPart[]): WrittenMessage {
  const { content } = block;
  const texts = typeof content === "string" ? [content] : [];
  for (const [at, inner] of listBlocks(content).entries()) {
    const own = `${path}.content[${at}]`;
    if (inner["type"] === "text") texts.push(readText(inner["text"]));
    else if (inner["type"] === "image") pictures.push({ part: writePart(inner), path: own });
    else throw refuseBlock(inner, own, "result");
  }
  const text = texts.join("\n");
  const shown = block["is_error"] === true ? `Error: ${text}` : text;
  return write({ role: "tool", tool_call_id: readText(block["tool_use_id"]), content: shown }, path);
}

/** Text alone goes as text; several parts, or a picture, as a list. */
function writeSpoken(role: string, path: string, parts: readonly WrittenPart[]): WrittenMessage {
  const [first] = parts;
  const isPlain = parts.length === 1 && first?.part["type"] === "text";
  const content = isPlain ? first.part["text"] : parts.map(({ part }) => part);
  const names = parts.map((part) => part.path);
  return {
    ...write({ role, content }, path),
    ...(isPlain && { content: first?.path ?? path }),
    parts: names,
  };
}

/** Thoughts that were sent in the open are the message's reasoning; those that are sealed nobody here can open. */
function writeAssistant(message: SentMessage, path: string, exact: unknown): WrittenMessage {
  const { role, content } = message;
  if (typeof content === "string") return write({ role, content }, path);
  let [text, reasoning] = ["", ""];
  const calls: WrittenPart[] = [];
  for (const [at, block] of content.entries()) {
    const own = `${path}.content[${at}]`;
    if (block["type"] === "text") text += readText(block["text"]);
    else if (block["type"] === "thinking") reasoning += readText(block["thinking"]);
    else if (block["type"] === "tool_use")
      calls.push({ part: writeCall(block, readStep(exact, at, "input")), path: own });
    else if (block["type"] !== "redacted_thinking") throw refuseBlock(block, own, "assistant");
  }
  const hasCalls = calls.length > 0;
  const chat = {
    role,
    content: hasCalls && text === "" ? null : text,
    ...(reasoning !== "" && { reasoning }),
    ...(hasCalls && { tool_calls: calls.map(({ part }) => part) }),
  };
  return { ...write(chat, path), calls: calls.map((call) => call.path) };
}

function writeCall({ id, name, input }: JsonObject, exact: unknown): JsonObject {
  return { id, type: "function", function: { name, arguments: JSON.stringify(exact ?? input ?? {}) } };
}

function write(message: JsonObject, path: string): WrittenMessage {
  return { message, path, content: `${path}.content`, parts: [], calls: [] };
}

/** A member of an item of a list, where both are there. */
function readStep(list: unknown, at: number, name: string): unknown {
  const item: unknown = Array.isArray(list) ? list[at] : undefined;
  return isObject(item) ? item[name] : undefined;
}
