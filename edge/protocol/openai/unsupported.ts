import { isObject, type JsonObject } from "../../agreements/json.ts";
import { Refusal } from "../../errors.ts";
import { cleanName } from "./reserved-fields.ts";

/** Why a member is refused, as the end of a sentence, and which of its values ask for nothing all the same. */
interface Refused {
  instead: string;
  isHarmless?: (value: unknown, body: JsonObject) => boolean;
}

const noAudio = "no model here answers in sound";
const noTemplate = "the model's own template is used, with the switches of 'chat_template_kwargs'";

/**
 * Members that would change the answer and that no engine of ours obeys: OpenAI's older and newer ones, and those of
 * other APIs that people bring along. An engine would ignore them in silence, and the caller would pay for an answer
 * to another question. What changes no answer (`store`, `metadata`, `service_tier` …) passes.
 */
const refused = new Map<string, Refused>([
  ["functions", { instead: "use 'tools'" }],
  ["function_call", { instead: "use 'tool_choice'" }],
  ["audio", { instead: noAudio }],
  ["modalities", { instead: noAudio, isHarmless: (value) => isListOf(value, "text") }],
  ["web_search_options", { instead: "no model here searches the web" }],
  ["prediction", { instead: "every token is generated anew" }],
  ["verbosity", { instead: "say it in a message", isHarmless: (value) => value === "medium" }],
  ["use_beam_search", { instead: "use 'n' and 'temperature'" }],
  ["best_of", { instead: "use 'n'", isHarmless: (value, { n }) => value === (n ?? 1) }],
  ["logits_processors", { instead: "use 'logit_bias' or 'structured_outputs'" }],
  ["prompt_embeds", { instead: "send the prompt as text or token ids" }],
  ["return_token_ids", { instead: "use 'logprobs'" }],
  ["chat_template", { instead: noTemplate }],
  ["extra_body", { instead: "put its members into the body itself" }],
  ["max_output_tokens", { instead: "use 'max_completion_tokens'" }],
  ["max_new_tokens", { instead: "use 'max_tokens'" }],
  ["max_tokens_to_sample", { instead: "use 'max_tokens'" }],
  ["num_predict", { instead: "use 'max_tokens'" }],
  ["n_predict", { instead: "use 'max_tokens'" }],
  ["stop_sequences", { instead: "use 'stop'" }],
  ["system", { instead: "use a message with the role 'system'" }],
  ["instructions", { instead: "use a message with the role 'system'" }],
  ["thinking", { instead: "use 'reasoning_effort' or 'chat_template_kwargs'" }],
  ["format", { instead: "use 'response_format'" }],
  ["json_schema", { instead: "use 'response_format'" }],
  ["grammar", { instead: "use 'structured_outputs'" }],
  ["options", { instead: "put its members into the body itself" }],
]);

/**
 * Known members whose empty value says nothing: SDKs and forms send `[]`, `{}` or `""` for what nobody filled in, and
 * engines refuse some of them. A member that must be there is not among them.
 */
const optional: ReadonlySet<string> = new Set([
  "stop",
  "tools",
  "tool_choice",
  "response_format",
  "structured_outputs",
  "logit_bias",
  "stream_options",
  "chat_template_kwargs",
  "documents",
  "user",
  "suffix",
  "encoding_format",
]);

/** Tells a value that says nothing: absent, null, or empty. */
function isUnsent(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/**
 * Returns the body without what says nothing, and refuses by name what asks for something that cannot be had. Anything
 * but an object is returned as it is.
 */
export function omitUnsent(body: unknown): unknown {
  if (!isObject(body)) return body;
  const dropped = new Set<string>();
  for (const [name, value] of Object.entries(body)) {
    const row = name.startsWith("guided_") ? { instead: "use 'structured_outputs'" } : refused.get(name);
    if (value === null) dropped.add(name);
    else if (row && asksForSomething(name, value, row, body)) refuse(name, row.instead);
    else if (row || (optional.has(name) && isUnsent(value))) dropped.add(name);
  }
  const kwargs = body["chat_template_kwargs"];
  if (isObject(kwargs) && !isUnsent(kwargs["chat_template"])) refuse("chat_template_kwargs.chat_template", noTemplate);
  if (dropped.size === 0) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !dropped.has(name)));
}

/** Refuses the messages and tools of a chat that an engine would leave out of the prompt, by their paths. */
export function refuseUnsupportedParts(messages: readonly JsonObject[], tools: readonly JsonObject[]): void {
  for (const [index, message] of messages.entries()) {
    if (message["role"] === "function") refuse(`messages[${index}].role`, "use the role 'tool'", "'function'");
    if (!isUnsent(message["function_call"])) refuse(`messages[${index}].function_call`, "use 'tool_calls'");
    if (!isUnsent(message["audio"])) refuse(`messages[${index}].audio`, noAudio);
  }
  const at = tools.findIndex((tool) => tool["type"] !== "function");
  if (at !== -1) refuse(`tools[${at}].type`, "only tools of the type 'function' are called");
}

/** `{}` turns OpenAI's web search on, so there it is no empty value. */
function asksForSomething(name: string, value: unknown, { isHarmless }: Refused, body: JsonObject): boolean {
  if (name !== "web_search_options" && isUnsent(value)) return false;
  return value !== false && !(isHarmless?.(value, body) ?? false);
}

function refuse(param: string, instead: string, what = `'${cleanPath(param)}'`): never {
  throw new Refusal("unsupported_parameter", {
    param: cleanPath(param),
    message: `${what} is not supported: ${instead}.`,
  });
}

/** Paths of our own making stay; a caller's own name is cleaned. */
function cleanPath(param: string): string {
  return /^[a-z_]{1,64}((\[\d+\])?\.[a-z_]{1,64})?$/.test(param) ? param : cleanName(param);
}

function isListOf(value: unknown, item: string): boolean {
  return Array.isArray(value) && value.every((one) => one === item);
}
