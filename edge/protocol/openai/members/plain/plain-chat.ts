import { isObject, type JsonObject } from "../../../../agreements/json.ts";
import { choicesMax } from "../../../../limits.ts";
import { ChatBody } from "../chat.ts";
import { checkMessages } from "../messages.ts";

type PlainTest = (value: unknown) => boolean;

const isFlag: PlainTest = (value) => typeof value === "boolean";
const isCount: PlainTest = (value) => Number.isSafeInteger(value) && Number(value) >= 1;
const isWithin =
  (min: number, max: number): PlainTest =>
  (value) =>
    typeof value === "number" && value >= min && value <= max;

/** What most bodies are made of. Each says yes to nothing that the row of the same name in `chatMembers` refuses. */
const plainMembers = {
  model: (value) => typeof value === "string" && value.length >= 1 && value.length <= 256,
  messages: (value) => checkMessages(value) === null,
  n: (value) => isCount(value) && isWithin(1, choicesMax)(value),
  stream: isFlag,
  stream_options: (value) => isObject(value) && isFlag(value["include_usage"]) && Object.keys(value).length === 1,
  temperature: isWithin(0, 2),
  top_p: (value) => isWithin(0, 1)(value) && value !== 0,
  presence_penalty: isWithin(-2, 2),
  frequency_penalty: isWithin(-2, 2),
  seed: (value) => Number.isSafeInteger(value),
  max_tokens: isCount,
  max_completion_tokens: isCount,
} as const satisfies Partial<Record<keyof ChatBody, PlainTest>>;

type PlainName = keyof typeof plainMembers;
const isPlainName = (name: string): name is PlainName => Object.hasOwn(plainMembers, name);
/** In the order in which the schema writes them: what goes on is the same to the byte. */
const plainNames = Object.keys(ChatBody.shape).filter(isPlainName);

/**
 * Reads a chat of nothing but plain members, as its schema would, at a fraction of the cost; null for anything else,
 * be it right or wrong: the schema decides then, and names what is at fault.
 */
export function readPlainChat(json: JsonObject): ChatBody | null {
  if (!isPlain(json)) return null;
  const { model, messages } = json;
  const body: ChatBody = { model, messages };
  for (const name of plainNames) copyMember(body, json, name);
  return body;
}

function isPlain(json: JsonObject): json is JsonObject & ChatBody {
  for (const name in json) if (!isPlainName(name) || !plainMembers[name](json[name])) return false;
  return "model" in json && "messages" in json;
}

function copyMember<Name extends PlainName>(to: ChatBody, from: ChatBody, name: Name): void {
  if (from[name] !== undefined) to[name] = from[name];
}
