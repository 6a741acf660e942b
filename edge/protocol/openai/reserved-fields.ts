import { isRawNumber } from "../../agreements/exact-json.ts";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { Refusal } from "../../errors.ts";

/**
 * Request members that the gateway sets itself or that callers may never set; they are removed silently. They steer the
 * engine's scheduler and caches, reach into its process, or cost more than the hold covers.
 */
export const reservedFields: ReadonlySet<string> = new Set([
  "priority",
  "cache_salt",
  "request_id",
  "session_id",
  "kv_transfer_params",
  "ec_transfer_params",
  "vllm_xargs",
  "prompt_embeds",
  "chat_template",
  "mm_processor_kwargs",
  "media_io_kwargs",
  "return_token_ids",
  "logits_processors",
  "use_beam_search",
  "best_of",
]);

/**
 * The same inside `chat_template_kwargs`: a template by the back door, and a switch that makes vLLM's renderer fail
 * (CVE-2025-61620).
 */
const reservedTemplateFields: ReadonlySet<string> = new Set(["chat_template", "tokenize"]);

/** Members of a message part that hand the engine a tensor to unpickle. */
const tensorFields = ["image_embeds", "audio_embeds"];

/**
 * Refuses `guided_*` fields by name: new vLLM ignores them, so the caller would get unconstrained text without
 * noticing. Anything but an object passes.
 */
export function refuseGuided(body: unknown): void {
  if (!isObject(body)) return;
  const [name] = Object.entries(body).find(([member, value]) => member.startsWith("guided_") && value !== null) ?? [];
  if (name === undefined) return;
  throw new Refusal("unsupported_parameter", {
    param: cleanName(name),
    message: `'${cleanName(name)}' is not supported; use 'structured_outputs'.`,
  });
}

/** Returns a copy of a request's body without the reserved fields. */
export function stripReserved(body: JsonObject): JsonObject {
  const rest = omitMembers(body, reservedFields);
  const template = rest["chat_template_kwargs"];
  const isReadable = isObject(template) && !isRawNumber(template);
  return isReadable ? { ...rest, chat_template_kwargs: omitMembers(template, reservedTemplateFields) } : rest;
}

/**
 * Refuses message parts whose image, video, audio or file is not a `data:` URI: the engine would fetch the address from
 * inside the node's network. Parts without a `type` count too, since vLLM reads them by their members.
 */
export function refuseRemoteMedia(messages: unknown): void {
  if (!Array.isArray(messages)) return;
  for (const [index, message] of messages.entries()) {
    const content: unknown = isObject(message) ? message["content"] : null;
    const parts = Array.isArray(content) ? content : [content];
    parts.forEach((part: unknown, at) => isObject(part) && refuseRemotePart(part, `messages[${index}].content[${at}]`));
  }
}

function refuseRemotePart(part: JsonObject, path: string): void {
  for (const name of tensorFields) {
    if (part[name] !== undefined && part[name] !== null) {
      throw new Refusal("unsupported_parameter", { param: `${path}.${name}`, message: `'${name}' is not supported.` });
    }
  }
  for (const [name, value] of Object.entries(part)) {
    if (!name.endsWith("_url") || value === null) continue;
    const isNested = isObject(value);
    const url: unknown = isNested ? value["url"] : value;
    if (typeof url === "string" && /^data:/i.test(url)) continue;
    throw new Refusal("invalid_value", {
      param: `${path}.${cleanName(name)}${isNested ? ".url" : ""}`,
      message: "Media must be sent inline, as a 'data:' URI; addresses are not fetched.",
    });
  }
}

/** `fromEntries` defines members: one called `__proto__` stays a plain member. */
function omitMembers(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.has(name)));
}

/** A member's name as it may be repeated to its caller: 64 plain characters at most. */
export function cleanName(name: string): string {
  return name.replace(/[^\w-]/g, "?").slice(0, 64);
}
