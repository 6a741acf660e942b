import { isObject, type JsonObject } from "../../agreements/json.ts";
import { renameByTable } from "../wires/rename.ts";
import type { SentCall, TranslatedCall } from "../wires/wire.ts";
import { listIgnored } from "./ignored.ts";
import { parseMessages, pickExtras, type MessagesBody, type OutputConfig, type Thinking } from "./members.ts";
import { writeMessages, type WrittenMessage } from "./messages.ts";
import { writeExactTools, writeToolChoice, writeTools } from "./tools.ts";

/** Reads a call of the Messages API as a chat. Throws a Refusal that names the member as it was sent. */
export function translateMessages({ json, exact }: SentCall): TranslatedCall {
  const { body, others } = parseMessages(json);
  const { messages, isContinued } = writeMessages(body, exact?.["messages"]);
  const tools = body.tools ?? [];
  const chat = {
    ...others,
    ...pickExtras(body),
    model: body.model,
    messages: messages.map(({ message }) => message),
    max_tokens: body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    top_k: body.top_k,
    stop: body.stop_sequences,
    stream: body.stream,
    ...(tools.length > 0 && { tools: writeTools(tools) }),
    ...writeToolChoice(body.tool_choice, tools),
    ...writeThinking(body),
    ...(body.output_config && writeOutput(body.output_config)),
    ...(isContinued && { continue_final_message: true, add_generation_prompt: false }),
  };
  return {
    json: Object.fromEntries(Object.entries(chat).filter(([, value]) => value !== undefined)),
    exact: exact && writeExact(exact),
    answer: null,
    ignored: listIgnored(body),
    rename: (param) => renameParam(param, messages),
  };
}

/**
 * The switches of the models' templates. One that knows none of them does as it always does: what it thinks is shown,
 * and paid. A caller's own switches count before ours.
 */
function writeThinking({ thinking, chat_template_kwargs: own, include_reasoning: shows }: MessagesBody): JsonObject {
  if (!thinking) return {};
  const { type, budget_tokens: budget, display }: Thinking = thinking;
  const isOn = type !== "disabled";
  return {
    chat_template_kwargs: {
      enable_thinking: isOn,
      thinking: isOn,
      ...(type === "enabled" && typeof budget === "number" && { thinking_budget: budget }),
      ...own,
    },
    include_reasoning: shows ?? (display === "omitted" ? false : undefined),
  };
}

function writeOutput({ effort, format }: OutputConfig): JsonObject {
  return {
    ...(effort && { reasoning_effort: effort }),
    ...(format && {
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: format.schema } },
    }),
  };
}

/** The digits that a double cannot keep, where the chat has them: in schemas, and in what has the same name. */
function writeExact(exact: JsonObject): JsonObject {
  const { messages: _, tools, output_config: config, ...same } = exact;
  const format = isObject(config) && isObject(config["format"]) ? config["format"] : {};
  return {
    ...same,
    tools: writeExactTools(tools),
    response_format: { json_schema: { schema: format["schema"] } },
  };
}

/** Members that a chat has under another name. */
const renamed: Readonly<Record<string, string>> = {
  stop: "stop_sequences",
  parallel_tool_calls: "tool_choice.disable_parallel_tool_use",
  reasoning_effort: "output_config.effort",
  response_format: "output_config.format",
  "response_format.json_schema": "output_config.format",
};

/** The caller's own name of what the tables of chats refuse. */
function renameParam(param: string, messages: readonly WrittenMessage[]): string {
  const at = /^messages\[(\d+)\]/.exec(param)?.[1];
  const message = at === undefined ? undefined : messages[Number(at)];
  if (message) return renameByTable(param, nameParts(`messages[${at}]`, message));
  const tool = /^(tools\[\d+\])\.function(\.parameters)?/.exec(param);
  if (tool) return `${tool[1]}${tool[2] ? ".input_schema" : ""}${param.slice(tool[0].length)}`;
  return renameByTable(param, renamed);
}

function nameParts(name: string, { path, content, parts, calls }: WrittenMessage): Record<string, string> {
  const names: [string, string][] = [
    [name, path],
    [`${name}.content`, content],
    [`${name}.tool_call_id`, `${path}.tool_use_id`],
  ];
  for (const [at, part] of parts.entries())
    names.push([`${name}.content[${at}]`, part], [`${name}.content[${at}].image_url`, `${part}.source`]);
  for (const [at, call] of calls.entries())
    names.push([`${name}.tool_calls[${at}]`, call], [`${name}.tool_calls[${at}].function`, call]);
  return Object.fromEntries(names);
}
