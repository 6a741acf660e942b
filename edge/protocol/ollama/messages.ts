import { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { messagesMax, nameBytesMax, partsMax, toolCallsMax } from "../../limits.ts";
import { checkChoice, checkList, checkMembers, checkObject, checkText, type Check } from "../openai/members/checks.ts";
import type { IgnoredMembers } from "../openai/members/member.ts";

const roles = ["system", "user", "assistant", "tool"] as const;
const anyText = checkText(Number.MAX_SAFE_INTEGER);
const checkName = checkText(nameBytesMax);
const checkRole = checkChoice(...roles);

/** How the pictures that engines take begin, in base64, and what each is. */
const imageTypes: readonly (readonly [string, string])[] = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["UklGR", "image/webp"],
  ["R0lGOD", "image/gif"],
];

/** A picture in base64, of a type that engines take; an address or a path is none. */
export const checkImage: Check = (value) => {
  const isImage = typeof value === "string" && readImageType(value) !== null && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
  return isImage ? null : { path: [], message: "must be a PNG, JPEG, WebP or GIF in base64" };
};

function readImageType(base64: string): string | null {
  return imageTypes.find(([start]) => base64.startsWith(start))?.[1] ?? null;
}

const callMembers = { name: checkText(nameBytesMax, 1), arguments: checkObject };
const checkCall = checkMembers({ id: checkName, function: checkMembers(callMembers, ["name"]) }, ["function"]);

const messageChecks: Readonly<Record<string, Check>> = {
  // Ollama reads roles in any case.
  role: (value) => checkRole(typeof value === "string" ? value.toLowerCase() : value),
  content: anyText,
  thinking: anyText,
  images: checkList(checkImage, partsMax - 1),
  tool_calls: checkList(checkCall, toolCallsMax),
  tool_name: checkName,
  tool_call_id: checkName,
};

/** A message as Ollama's clients send it (`api/types.go`, `Message`), within its bounds. */
export interface OllamaMessage extends JsonObject {
  role: string;
  content?: string | null;
  thinking?: string | null;
  images?: string[] | null;
  tool_calls?: OllamaToolCall[] | null;
  tool_name?: string | null;
  tool_call_id?: string | null;
}

/** A call of a tool, with its arguments as an object. */
export interface OllamaToolCall extends JsonObject {
  id?: string | null;
  function: { name: string; arguments?: JsonObject | null };
}

/** What is wrong with the messages of a chat, up to the first fault. */
export const checkOllamaMessages: Check = checkList(checkMembers(messageChecks, ["role"]), messagesMax);

/** The same as the API's document tells it. */
export const shownMessage = z.looseObject({
  role: z.enum(roles),
  content: z.string().nullish(),
  thinking: z.string().nullish(),
  images: z.array(z.string()).nullish().describe("In base64, where the model takes pictures."),
  tool_calls: z
    .array(
      z.looseObject({
        id: z.string().nullish(),
        function: z.looseObject({ name: z.string(), arguments: z.looseObject({}).nullish() }),
      }),
    )
    .nullish(),
  tool_name: z.string().nullish().describe("Whose answer a `tool` message is."),
  tool_call_id: z.string().nullish(),
});

/**
 * The messages as OpenAI's API has them. Calls of tools get ids where they have none, of the form that the strictest
 * templates want (nine letters and digits), and a tool's answer the id of the first unanswered call of its name, or of
 * any. `exact` is the same list with the digits that a double cannot keep: arguments become text with those.
 */
export function translateMessages(
  messages: readonly OllamaMessage[],
  exact: unknown,
  ignored: IgnoredMembers,
): JsonObject[] {
  const open: OpenCall[] = [];
  let calls = 0;
  return messages.map((message, at) => {
    const role = message.role.toLowerCase();
    for (const [name, value] of Object.entries(message))
      if (!Object.hasOwn(messageChecks, name) && value !== null) ignored.add("messages[]", name);
    const made = (message.tool_calls ?? []).map((call, index) => {
      const id = call.id || `call${String(calls++).padStart(5, "0")}`;
      open.push({ id, name: call.function.name });
      return translateCall(call, id, findAt(exact, at, "tool_calls", index, "function", "arguments"));
    });
    const answered = role === "tool" ? takeCall(open, message) : null;
    return {
      role,
      content: writeContent(message.content ?? "", message.images ?? []),
      ...(message.thinking && { reasoning: message.thinking }),
      ...(made.length > 0 && { tool_calls: made }),
      ...(answered !== null && { tool_call_id: answered }),
      ...(message.tool_name && { name: message.tool_name }),
    };
  });
}

/** A call of a tool that no message has answered yet. */
interface OpenCall {
  id: string;
  name: string;
}

function takeCall(open: OpenCall[], { tool_call_id: id, tool_name: name }: OllamaMessage): string | null {
  const found = open.findIndex((call) => (id ? call.id === id : !name || call.name === name));
  const [call] = found === -1 ? (id ? [] : open.splice(0, 1)) : open.splice(found, 1);
  return id || (call?.id ?? null);
}

function translateCall({ function: called }: OllamaToolCall, id: string, exact: unknown): JsonObject {
  const text = JSON.stringify(isObject(exact) ? exact : (called.arguments ?? {}));
  return { id, type: "function", function: { name: called.name, arguments: text } };
}

/** Text, or the text and the pictures as parts. */
export function writeContent(text: string, images: readonly string[]): string | JsonObject[] {
  if (images.length === 0) return text;
  const parts = images.map((base64) => ({
    type: "image_url",
    image_url: { url: `data:${readImageType(base64) ?? "image/png"};base64,${base64}` },
  }));
  return text === "" ? parts : [{ type: "text", text }, ...parts];
}

/** A part's place in its message as its sender knows it: `.images[0]`, or `.content`. */
export function namePart(hasText: boolean, part: number): string {
  if (hasText && part === 0) return ".content";
  return `.images[${part - (hasText ? 1 : 0)}]`;
}

function findAt(value: unknown, ...steps: (string | number)[]): unknown {
  let at = value;
  for (const step of steps) {
    if (typeof step === "number") at = Array.isArray(at) ? at[step] : undefined;
    else at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}
