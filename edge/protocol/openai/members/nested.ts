import { isObject, type JsonObject } from "../../../agreements/json.ts";
import type { ModelRecord } from "../../../agreements/records/model.ts";
import { functionMembers, templateSwitches, toolMembers } from "./chat.ts";
import { refuseMember, type IgnoredMembers } from "./member.ts";
import { keepNames } from "./messages.ts";

/** What decides which switches a template is given: `null` for any that cannot reach past the template. */
type Switches = Pick<ModelRecord, "templateSwitches"> | null;

/** Members of a chosen or a given form that go on; a schema within is bounded, and otherwise the caller's own. */
export const formatMembers = ["type", "json_schema", "structures", "triggers", "format"];
/** Members of `response_format.json_schema` that go on. */
export const jsonSchemaMembers = ["name", "description", "schema", "strict"];
/** Members of a structural tag that go on. */
export const structureMembers = ["begin", "schema", "end"];

/** Names that a template's call has for itself: a template by the back door, and what breaks vLLM's renderer. */
const reservedSwitches: ReadonlySet<string> = new Set([
  "chat_template",
  "tokenize",
  "conversation",
  "messages",
  "tools",
  "documents",
  "add_generation_prompt",
  "continue_final_message",
  "padding",
  "truncation",
  "max_length",
  "return_tensors",
  "return_dict",
  "return_assistant_tokens_mask",
  "tokenizer_kwargs",
]);

const noTemplate = "the model's own template is used, with the switches of 'chat_template_kwargs'";

/**
 * A copy of a body whose objects have known members alone: tools, formats, switches of the template. Refuses what an
 * engine would leave out, by its path.
 */
export function keepNested<Body extends JsonObject>(body: Body, switches: Switches, ignored: IgnoredMembers): Body {
  const { tools, tool_choice: chosen, response_format: format, chat_template_kwargs: kwargs } = body;
  const changed: JsonObject = {};
  if (Array.isArray(tools)) changed["tools"] = tools.filter(isObject).map((tool, at) => keepTool(tool, at, ignored));
  if (isObject(chosen)) changed["tool_choice"] = keepChosen(chosen);
  if (isObject(format)) changed["response_format"] = keepFormat(format, ignored);
  if (isObject(kwargs)) changed["chat_template_kwargs"] = keepSwitches(kwargs, switches, ignored);
  return { ...body, ...changed };
}

function keepTool(tool: JsonObject, at: number, ignored: IgnoredMembers): JsonObject {
  if (tool["type"] !== "function")
    throw refuseMember(`tools[${at}].type`, "only tools of the type 'function' are called");
  const kept = keepNames(tool, toolMembers, (name) => name !== "cache_control" && ignored.add("tools[]", name));
  const called = kept["function"];
  if (!isObject(called)) return kept;
  const own = keepNames(called, functionMembers, (name) => ignored.add("tools[].function", name));
  return own === called ? kept : { ...kept, function: own };
}

function keepChosen(chosen: JsonObject): JsonObject {
  if (chosen["type"] !== "function")
    throw refuseMember("tool_choice.type", "only tools of the type 'function' are called");
  const called = chosen["function"];
  return { type: "function", function: isObject(called) ? keepNames(called, ["name"]) : called };
}

function keepFormat(format: JsonObject, ignored: IgnoredMembers): JsonObject {
  const kept = keepNames(format, formatMembers, (name) => ignored.add("response_format", name));
  const { json_schema: schema, structures } = kept;
  return {
    ...kept,
    ...(isObject(schema) && {
      json_schema: keepNames(schema, jsonSchemaMembers, (name) => ignored.add("response_format.json_schema", name)),
    }),
    ...(Array.isArray(structures) && {
      structures: structures.filter(isObject).map((one) => keepNames(one, structureMembers)),
    }),
  };
}

function keepSwitches(kwargs: JsonObject, switches: Switches, ignored: IgnoredMembers): JsonObject | undefined {
  const path = "chat_template_kwargs";
  const kept = Object.entries(kwargs).filter(([name, value]) => {
    if (value === null) return false;
    if (name === "chat_template") throw refuseMember(`${path}.${name}`, noTemplate);
    if (mayUse(name, switches)) return true;
    ignored.add(path, name);
    return false;
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function mayUse(name: string, switches: Switches): boolean {
  if (reservedSwitches.has(name) || !/^\w{1,64}$/.test(name)) return false;
  return switches === null || templateSwitches.includes(name) || (switches.templateSwitches?.includes(name) ?? false);
}
