import type { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { findByName } from "../../agreements/records/model.ts";
import { parseBody } from "../fields.ts";
import { pickMembers, type IgnoredMembers, type MemberTable } from "../openai/members/member.ts";
import { optionMembers, optionNames, OptionsBody, translateOptions } from "./options.ts";
import { renameByTable } from "../wires/rename.ts";
import type { EarlyAnswer, SentCall } from "../wires/wire.ts";

/** Reads a body by its table of members; what is refused is named by its path. */
export function readOllamaBody<Body>(
  schema: z.ZodType<Body>,
  { json, table, ignored }: { json: unknown; table: MemberTable; ignored: IgnoredMembers },
): Body {
  return parseBody(schema, isObject(json) ? pickMembers(json, table, ignored) : json);
}

/** Models by their names. */
export type NamedModels = NonNullable<SentCall["models"]>;

const usualTag = ":latest";

/**
 * The name of the model that is meant: Ollama's clients put a tag behind a name that has none, and leave it out where
 * it is the usual one. The same where there is no such model.
 */
export function resolveName(name: string, models: NamedModels): string {
  const isKnown = (one: string) => findByName(models, one) !== null;
  const other = name.endsWith(usualTag) ? name.slice(0, -usualTag.length) : name + usualTag;
  return !isKnown(name) && isKnown(other) ? other : name;
}

/** What chats and generations say of how an answer is made. */
export interface GenerationWishes {
  model: string;
  stream?: boolean | undefined;
  format?: "json" | JsonObject | undefined;
  options?: JsonObject | undefined;
  think?: boolean | string | undefined;
  logprobs?: boolean | undefined;
  top_logprobs?: number | undefined;
}

/** The members of a chat that say the same. Throws a Refusal (400) for an option that is out of bounds. */
export function translateGeneration(sent: GenerationWishes, models: NamedModels, ignored: IgnoredMembers): JsonObject {
  const picked = pickMembers(sent.options ?? {}, optionMembers, ignored, "options");
  const options = parseBody(OptionsBody, picked, "options");
  return {
    model: resolveName(sent.model, models),
    stream: sent.stream ?? true,
    ...translateOptions(options),
    ...(sent.format !== undefined && { response_format: translateFormat(sent.format) }),
    ...(sent.think !== undefined && translateThink(sent.think)),
    ...(sent.logprobs && { logprobs: true, ...(sent.top_logprobs && { top_logprobs: sent.top_logprobs }) }),
  };
}

/** The member that holds the answer's schema, from the body that keeps the digits of numbers (`exact-json.ts`). */
export function translateExactFormat(format: unknown): JsonObject {
  return isObject(format) ? { response_format: translateFormat(format) } : {};
}

function translateFormat(format: "json" | JsonObject): JsonObject {
  if (format === "json") return { type: "json_object" };
  return { type: "json_schema", json_schema: { name: "answer", schema: format } };
}

/**
 * Templates know the switch by two names, and levels by one. Who wants no reasoning sees none either, where a model
 * reasons all the same.
 */
function translateThink(think: boolean | string): JsonObject {
  const isOn = think !== false;
  return {
    chat_template_kwargs: { enable_thinking: isOn, thinking: isOn },
    ...(typeof think === "string" && { reasoning_effort: think }),
    ...(!isOn && { include_reasoning: false }),
  };
}

const names: Readonly<Record<string, string>> = {
  ...optionNames,
  response_format: "format",
  "response_format.json_schema.schema": "format",
  chat_template_kwargs: "think",
  reasoning_effort: "think",
  include_reasoning: "think",
};

/** What a member of the translated chat is called by who sent it; messages are left to others. */
export function nameGeneration(param: string): string {
  return renameByTable(param, names);
}

/** The answer of a call that only loads: with the part of the answer that it has, and why it is done. */
export function buildLoaded(part: JsonObject, keepAlive: unknown): EarlyAnswer {
  const done_reason = wantsUnload(keepAlive) ? "unload" : "load";
  return (model, nowMs) => ({ model, created_at: new Date(nowMs).toISOString(), ...part, done: true, done_reason });
}

/** Does `keep_alive` ask to unload (Go's durations: `0`, `0s`)? */
function wantsUnload(keepAlive: unknown): boolean {
  return keepAlive === 0 || (typeof keepAlive === "string" && /^0+(\.0+)?(ns|us|µs|ms|s|m|h)?$/.test(keepAlive));
}

/** A call that only loads is read with this message, which nobody sees: its answer is known. */
export const noMessages: readonly JsonObject[] = [{ role: "user", content: "" }];
