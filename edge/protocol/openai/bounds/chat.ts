import { isObject, type JsonObject } from "../../../agreements/json.ts";
import type { ModelRecord, NormalForm } from "../../../agreements/records/model.ts";
import { readPartKind, readPartText } from "../members/parts.ts";
import { boundPrinted, indentMax } from "./printed.ts";
import { boundText } from "./text.ts";

/** What a bound needs of a model's record. */
type Measures = Pick<ModelRecord, "normalizes" | "templateTokensMax" | "mediaTokensMax">;

/** What a chat template adds to an empty chat where the record says nothing: a system prompt, the answer's mark. */
const templateTokensMax = 64;
/** What it adds around each message, part and tool call: marks of the role and the kind, line ends. */
const messageTokens = 32;
const partTokens = 40;
const toolCallTokens = 32;

/** The members beside messages that a template may print, each with what it may say about them. */
const countedMembers = { tools: 512, documents: 512, chat_template_kwargs: 0 };
/** Those that an engine's own count of a prompt (`/tokenize`) leaves out; `suffix` is a completion's. */
const uncountedMembers = { response_format: 64, tool_choice: 64, reasoning_effort: 64, suffix: 0 };

/** Members of a message that templates print as they are; all others may be printed as JSON. */
const textual: ReadonlySet<string> = new Set(["content", "reasoning", "reasoning_content", "refusal"]);

/**
 * Returns an upper bound of a chat's prompt in tokens (M2): of whatever a template may print of the body, in the
 * longest way that a template prints it, and of the template's own words.
 */
export function boundChat(body: JsonObject, model: Measures): number {
  const form = model.normalizes ?? "NFC";
  let tokens = model.templateTokensMax ?? templateTokensMax;
  tokens += boundMembers(body, countedMembers, form) + boundUncounted(body, model);
  const { messages } = body;
  if (Array.isArray(messages)) for (const message of messages) tokens += boundMessage(message, model, form);
  return tokens;
}

/** Returns an upper bound, in tokens, of what an engine's `/tokenize` leaves out of a prompt that it counts. */
export function boundUncounted(body: JsonObject, model: Measures): number {
  return boundMembers(body, uncountedMembers, model.normalizes ?? "NFC");
}

function boundMembers(body: JsonObject, names: Readonly<Record<string, number>>, form: NormalForm): number {
  let tokens = 0;
  for (const [name, words] of Object.entries(names)) {
    const value = body[name];
    const isGiven = value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);
    if (isGiven) tokens += words + boundPrinted(JSON.stringify(value), form, indentMax);
  }
  return tokens;
}

function boundMessage(message: unknown, model: Measures, form: NormalForm): number {
  if (!isObject(message)) return boundJson(message, form);
  const { role } = message;
  const isResult = role === "tool" || role === "function";
  const bound = isResult ? boundResult : boundText;
  let tokens = messageTokens;
  for (const [name, value] of Object.entries(message)) {
    if (value === null || value === undefined) continue;
    if (name === "tool_calls" && Array.isArray(value)) {
      for (const call of value) tokens += boundToolCall(call, form);
    } else if (!textual.has(name)) tokens += boundJson(value, form);
    else if (typeof value === "string") tokens += bound(value, form);
    else if (Array.isArray(value)) {
      for (const part of value) tokens += boundPart(part, model, bound);
    } else tokens += boundJson(value, form);
  }
  return tokens;
}

/** An image's bytes are never printed: it counts what the model's record says, and as text where that is silent. */
function boundPart(part: unknown, model: Measures, bound: typeof boundText): number {
  const form = model.normalizes ?? "NFC";
  if (!isObject(part)) return partTokens + boundJson(part, form);
  const kind = readPartKind(part);
  if (kind === "text") return partTokens + bound(readPartText(part), form);
  const mediaMax = kind === null ? undefined : model.mediaTokensMax?.[kind];
  return partTokens + (mediaMax ?? boundJson(part, form));
}

/** What a tool gave back is printed as it is, as a JSON string, or parsed and printed anew. */
function boundResult(text: string, form: NormalForm): number {
  return /^\s*[[{]/.test(text) ? boundPrinted(text, form) : boundJson(text, form);
}

/** The arguments are JSON in a string, which engines parse and templates print anew. */
function boundToolCall(call: unknown, form: NormalForm): number {
  if (!isObject(call) || !isObject(call["function"])) return toolCallTokens + boundJson(call, form);
  const { arguments: given, ...named } = call["function"];
  const tokens = toolCallTokens + boundJson({ ...call, function: named }, form);
  if (given === undefined) return tokens;
  return tokens + boundPrinted(typeof given === "string" ? given : JSON.stringify(given), form);
}

function boundJson(value: unknown, form: NormalForm): number {
  return boundPrinted(JSON.stringify(value), form);
}
