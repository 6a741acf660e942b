import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { listOffered, type OfferedTool } from "#edge/protocol/openai/responses/tool-names.ts";
import type { AnswerContext } from "../wire.ts";
import type { ResponseStatus } from "./response.ts";

/** A call of a tool, as far as the engine has written it. */
export interface WrittenCall {
  id: string;
  /** The engine's name of the tool. */
  name: string;
  arguments: string;
}

/** An item's place in an answer: its id, and how it stands. */
export interface ItemHead {
  id: string;
  status: ResponseStatus;
}

/** The prefixes of items' ids, as OpenAI has them. */
const prefixes = { reasoning: "rs", message: "msg", function: "fc", custom: "ctc" } as const;

/** The id of an answer's item; `index` is its place among the others. */
export function nameItem(kind: keyof typeof prefixes, index: number, { reference }: AnswerContext): string {
  return `${prefixes[kind]}_${reference}_${index}`;
}

/** What the model thought, as it is: nobody makes a summary of it here, and nobody encrypts it. */
export function buildReasoning({ id, status }: ItemHead, text: string | null): JsonObject {
  return { id, type: "reasoning", status, summary: [], content: text === null ? [] : [buildReasoningPart(text)] };
}

/** The one part of a reasoning item. */
export function buildReasoningPart(text: string): JsonObject {
  return { type: "reasoning_text", text };
}

/** What the model said; without a part while none has begun. */
export function buildMessage({ id, status }: ItemHead, part: JsonObject | null): JsonObject {
  return { id, type: "message", status, role: "assistant", content: part === null ? [] : [part] };
}

/** The one part of a message. */
export function buildTextPart(text: string, logprobs: readonly unknown[]): JsonObject {
  return { type: "output_text", annotations: [], logprobs, text };
}

/** A call of a tool, by its caller's own names. */
export function buildCall({ id, status }: ItemHead, call: WrittenCall, tool: CalledTool): JsonObject {
  const names = { call_id: call.id, name: tool.name, ...(tool.namespace !== null && { namespace: tool.namespace }) };
  return tool.type === "custom"
    ? { id, type: "custom_tool_call", status, ...names, input: readCustomInput(call.arguments) }
    : { id, type: "function_call", status, ...names, arguments: call.arguments };
}

/** A tool as an answer names it. */
export type CalledTool = Pick<OfferedTool, "type" | "name" | "namespace">;

/** Finds tools by their engine's names; what nobody offered is a function of that name. */
export function openToolNames({ repeated }: AnswerContext): (engineName: string) => CalledTool {
  const offered = new Map(listOffered(repeated["tools"]).map((tool) => [tool.engineName, tool]));
  return (name) => offered.get(name) ?? { type: "function", name, namespace: null };
}

/**
 * The input of a custom tool: engines call it with JSON that has that one text (`describeCustom` of the edge). What the
 * model wrote otherwise, or did not finish, is passed on as it is.
 */
export function readCustomInput(text: string): string {
  const input = parseObject(text)?.["input"];
  return typeof input === "string" ? input : text;
}

/** Log-probabilities of a choice; none where nobody asked for them. */
export function readLogprobs({ logprobs }: JsonObject): JsonObject[] {
  return isObject(logprobs) && Array.isArray(logprobs["content"]) ? logprobs["content"].filter(isObject) : [];
}
