import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { readReasoning } from "../../answer-parts.ts";
import { listChoices } from "../../whole/whole-answer.ts";
import type { AnswerContext } from "../wire.ts";
import {
  buildCall,
  buildMessage,
  buildReasoning,
  buildTextPart,
  nameItem,
  openToolNames,
  readLogprobs,
  type ItemHead,
  type WrittenCall,
} from "./items.ts";
import { buildResponse, readEndStatus } from "./response.ts";

/** The whole answer of `POST /v1/responses` for an engine's `chat.completion`. */
export function buildWholeResponse(answer: JsonObject, context: AnswerContext): JsonObject {
  const [choice = {}] = listChoices(answer);
  const finish = typeof choice["finish_reason"] === "string" ? choice["finish_reason"] : null;
  const status = readEndStatus(finish);
  const items = listItems(choice, context);
  const output = items.map((build, index) => build(index, index === items.length - 1 ? status : "completed"));
  return buildResponse(context, { status, output, finish });
}

type ItemBuild = (index: number, status: ItemHead["status"]) => JsonObject;

function listItems(choice: JsonObject, context: AnswerContext): ItemBuild[] {
  const message = isObject(choice["message"]) ? choice["message"] : {};
  const reasoning = readReasoning(message);
  const content = typeof message["content"] === "string" ? message["content"] : "";
  const calls = Array.isArray(message["tool_calls"]) ? message["tool_calls"].filter(isObject) : [];
  const findTool = openToolNames(context);
  const items: ItemBuild[] = [];
  if (reasoning !== "")
    items.push((index, status) => buildReasoning({ id: nameItem("reasoning", index, context), status }, reasoning));
  if (content !== "" || (reasoning === "" && calls.length === 0)) {
    const logprobs = readLogprobs(choice);
    const own = reasoning === "" && calls.length === 0 ? logprobs : alignLogprobs(logprobs, content);
    const part = buildTextPart(content, own);
    items.push((index, status) => buildMessage({ id: nameItem("message", index, context), status }, part));
  }
  for (const [at, call] of calls.entries())
    items.push((index, status) => {
      const written = readCall(call, `call_${context.reference}_${at}`);
      const tool = findTool(written.name);
      return buildCall({ id: nameItem(tool.type, index, context), status }, written, tool);
    });
  return items;
}

function readCall({ id, function: called }: JsonObject, otherwise: string): WrittenCall {
  const { name, arguments: text } = isObject(called) ? called : {};
  return {
    id: typeof id === "string" && id !== "" ? id : otherwise,
    name: typeof name === "string" ? name : "",
    arguments: typeof text === "string" ? text : "",
  };
}

/**
 * Engines give the log-probabilities of all that was made in one list. Those of the message are the tokens whose text
 * it is; none where that cannot be told.
 */
function alignLogprobs(logprobs: JsonObject[], content: string): JsonObject[] {
  const texts = logprobs.map(({ token }) => (typeof token === "string" ? token : ""));
  const start = texts.join("").lastIndexOf(content);
  if (start < 0) return [];
  let offset = 0;
  return logprobs.filter((_, index) => {
    const at = offset;
    offset += texts[index]?.length ?? 0;
    return at >= start && offset <= start + content.length && offset > at;
  });
}
