import { isObject, type JsonObject } from "../../../agreements/json.ts";
import { IgnoredMembers } from "../members/member.ts";
import { listStrangeMembers, readPartKind, readPartText } from "../members/parts.ts";
import { itemMembers, readItemType, refuseItem, silentItemMembers } from "./items.ts";
import { nameForEngine } from "./tool-names.ts";

/** The messages of a chat, and the caller's own names of their members. */
export interface ChatMessages {
  messages: JsonObject[];
  names: Record<string, string>;
}

/**
 * The input of a body as the messages of a chat. What the assistant thought, said and called between two items of
 * others is one message, as templates have it; so are the instructions and whatever of the system or the developer
 * stands before anything else, since most templates print one such message, and only in front. Throws a Refusal for an
 * item that cannot be had.
 */
export function writeMessages(
  { instructions, input }: JsonObject,
  ignored: IgnoredMembers,
  earlier: EarlierItems = { items: [], path: "" },
): ChatMessages {
  const list = new MessageList(ignored);
  if (typeof instructions === "string" && instructions !== "") list.addSystem(instructions, "instructions", null);
  // What is strange about them was told when they came.
  list.takeEarlier(earlier);
  if (typeof input === "string") list.addMessage("user", input, "input", "input");
  const items: unknown[] = Array.isArray(input) ? input : [];
  for (const [index, item] of items.entries()) if (isObject(item)) list.addItem(item, `input[${index}]`);
  list.endTurn();
  return list;
}

/** Items that come before those of the body, and what the caller knows all of them by. */
export interface EarlierItems {
  items: readonly JsonObject[];
  path: string;
}

class MessageList implements ChatMessages {
  readonly messages: JsonObject[] = [];
  readonly names: Record<string, string> = {};
  #ignored: IgnoredMembers;
  /** The assistant's message that is under way; it is the last of the messages. */
  #turn: JsonObject | null = null;

  constructor(ignored: IgnoredMembers) {
    this.#ignored = ignored;
  }

  takeEarlier({ items, path }: EarlierItems): void {
    const reported = this.#ignored;
    this.#ignored = new IgnoredMembers();
    for (const item of items) this.addItem(item, path);
    this.#ignored = reported;
  }

  addItem(item: JsonObject, path: string): void {
    refuseItem(item, path);
    const type = String(readItemType(item));
    const known = itemMembers[type] ?? [];
    for (const [name, value] of Object.entries(item))
      if (value !== null && !known.includes(name) && !silentItemMembers.includes(name))
        this.#ignored.add("input[]", name);
    if (type === "reasoning") this.#addReasoning(item, path);
    else if (type === "function_call") this.#addCall(item, path, item["arguments"]);
    else if (type === "custom_tool_call") this.#addCall(item, path, JSON.stringify({ input: item["input"] }));
    else if (type === "message") this.#addMessageItem(item, path);
    else {
      const index = this.addMessage("tool", item["output"], path, `${path}.output`);
      this.messages[index] = { ...this.messages[index], tool_call_id: item["call_id"] };
      this.names[`messages[${index}].tool_call_id`] = `${path}.call_id`;
    }
  }

  /** The text of the system, to the first message as long as there is no other. */
  addSystem(text: string, path: string, contentPath: string | null): void {
    const [first, ...others] = this.messages;
    if (first?.["role"] === "system" && typeof first["content"] === "string" && others.length === 0)
      first["content"] = `${first["content"]}\n\n${text}`;
    else this.addMessage("system", text, path, contentPath ?? path);
  }

  /** Adds a message of anybody but the assistant, whose turn it ends. Returns its index. */
  addMessage(role: string, content: unknown, path: string, contentPath: string): number {
    this.endTurn();
    this.#add({ role, content: null }, path);
    const index = this.messages.length - 1;
    this.#setContent(content, contentPath);
    return index;
  }

  endTurn(): void {
    // A message of the assistant has text, if only an empty one, unless it calls tools.
    if (this.#turn && this.#turn["content"] === null && !this.#turn["tool_calls"]) this.#turn["content"] = "";
    this.#turn = null;
  }

  #add(message: JsonObject, path: string): void {
    this.names[`messages[${this.messages.length}]`] = path;
    this.messages.push(message);
  }

  #openTurn(path: string): JsonObject {
    if (this.#turn) return this.#turn;
    const turn: JsonObject = { role: "assistant", content: null };
    this.#add(turn, path);
    this.#turn = turn;
    return turn;
  }

  #addMessageItem({ role, content }: JsonObject, path: string): void {
    const text = readText(content);
    if (role === "assistant") {
      if (this.#turn && this.#turn["content"] !== null) this.endTurn();
      this.#openTurn(path);
      this.#setContent(content, `${path}.content`);
    } else if (role === "user") this.addMessage("user", content, path, `${path}.content`);
    else if (text !== null) this.addSystem(text, path, `${path}.content`);
    else this.addMessage("system", content, path, `${path}.content`);
  }

  /** What was thought in summary says less than the thought itself, so it counts only where that is missing. */
  #addReasoning({ content, summary }: JsonObject, path: string): void {
    const text = joinTexts(content) || joinTexts(summary);
    if (text === "") return;
    const turn = this.#openTurn(path);
    const known = turn["reasoning"];
    turn["reasoning"] = typeof known === "string" ? `${known}\n${text}` : text;
    this.names[`messages[${this.messages.length - 1}].reasoning`] ??= path;
  }

  #addCall({ call_id: id, name, namespace }: JsonObject, path: string, text: unknown): void {
    const turn = this.#openTurn(path);
    const calls: unknown[] = Array.isArray(turn["tool_calls"]) ? turn["tool_calls"] : [];
    const engineName = nameForEngine(String(name), typeof namespace === "string" ? namespace : null);
    turn["tool_calls"] = [...calls, { id, type: "function", function: { name: engineName, arguments: text } }];
    const call = `messages[${this.messages.length - 1}].tool_calls[${calls.length}]`;
    this.names[call] = path;
    this.names[`${call}.id`] = `${path}.call_id`;
    this.names[`${call}.function`] = path;
  }

  /** The content of the last message. One text stands for itself, which every template prints. */
  #setContent(content: unknown, path: string): void {
    const index = this.messages.length - 1;
    const message = this.messages[index];
    if (!message) return;
    this.names[`messages[${index}].content`] = path;
    for (const part of Array.isArray(content) ? content.filter(isObject) : []) this.#nameStrange(part);
    const only = Array.isArray(content) && content.length <= 1 ? readText(content) : null;
    message["content"] = only ?? (Array.isArray(content) ? this.#writeParts(content, index, path) : content);
  }

  #nameStrange(part: JsonObject): void {
    for (const name of listStrangeMembers(part))
      if (part[name] !== null && !silentPartMembers.includes(name)) this.#ignored.add("input[].content[]", name);
  }

  #writeParts(parts: unknown[], index: number, path: string): JsonObject[] {
    return parts.filter(isObject).map((part, at) => {
      if (readPartKind(part) === "text") {
        this.names[`messages[${index}].content[${at}].text`] = `${path}[${at}].text`;
        return { type: "text", text: readPartText(part) };
      }
      if (part["type"] !== "input_image") return part;
      this.names[`messages[${index}].content[${at}].image_url.url`] = `${path}[${at}].image_url`;
      const { image_url: url, detail } = part;
      return { type: "image_url", image_url: { url, ...(isKnownDetail(detail) && { detail }) } };
    });
  }
}

/** Members of parts that answers have, and those that say nothing to an engine here. */
const silentPartMembers: readonly string[] = ["annotations", "logprobs", "detail", "prompt_cache_breakpoint"];

/** Engines know no others; `original` is as much as there is. */
function isKnownDetail(detail: unknown): boolean {
  return detail === "auto" || detail === "low" || detail === "high";
}

/** Content that is text alone, as one text; null where it is more than that. */
function readText(content: unknown): string | null {
  if (typeof content === "string") return content;
  const parts: unknown[] = Array.isArray(content) ? content : [];
  if (!parts.every((part) => isObject(part) && readPartKind(part) === "text")) return null;
  return parts.map((part) => (isObject(part) ? readPartText(part) : "")).join("\n");
}

function joinTexts(parts: unknown): string {
  const list: unknown[] = Array.isArray(parts) ? parts : [];
  return list.map((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : "")).join("\n");
}
