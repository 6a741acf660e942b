import type { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { parseBody } from "../fields.ts";
import { pickMembers, type IgnoredMembers, type MemberTable } from "../openai/members/member.ts";
import { optionMembers, optionNames, OptionsBody, translateOptions } from "./options.ts";
import { renameByTable } from "../wires/rename.ts";

/** Reads a body by its table of members; what is refused is named by its path. */
export function readOllamaBody<Body>(
  schema: z.ZodType<Body>,
  { json, table, ignored }: { json: unknown; table: MemberTable; ignored: IgnoredMembers },
): Body {
  return parseBody(schema, isObject(json) ? pickMembers(json, table, ignored) : json);
}

/** A model's name without the tag that Ollama's clients put behind one that has none. */
export function dropTag(model: string): string {
  return model.replace(/(?<=.):latest$/, "");
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

/** The members of a chat that say the same; they do not come to more than the sender said. */
export function translateGeneration(sent: GenerationWishes, ignored: IgnoredMembers): JsonObject {
  const picked = pickMembers(sent.options ?? {}, optionMembers, ignored, "options");
  const options = parseBody(OptionsBody, picked, "options");
  return {
    model: dropTag(sent.model),
    stream: sent.stream ?? true,
    ...translateOptions(options),
    ...(sent.format !== undefined && { response_format: translateFormat(sent.format) }),
    ...(sent.think !== undefined && translateThink(sent.think)),
    ...(sent.logprobs && { logprobs: true, ...(sent.top_logprobs && { top_logprobs: sent.top_logprobs }) }),
  };
}

/** The same of the members whose digits are kept (`exact-json.ts`): the schema of the answer. */
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

/** A call that only loads is read with this message, which nobody sees: its answer is known. */
export const noMessages: readonly JsonObject[] = [{ role: "user", content: "" }];
