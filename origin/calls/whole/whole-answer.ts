import type { ServerResponse } from "node:http";
import { Refusal } from "#edge/errors.ts";
import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { hasContent, hasGivenUp, isError } from "../answer-parts.ts";
import type { AgentLimits } from "../../config.ts";
import { callPaths, type CallPath } from "#edge/agreements/paths.ts";
import { readBilledUsage, type UsageMeter } from "../usage-meter.ts";
import { readCounts, findUsageText } from "../usage-text.ts";

/** vLLM's internals, which callers do not get to see. */
const engineMembers = ["kv_transfer_params", "ec_transfer_params", "metrics"];

/**
 * Reads a whole answer of an engine and counts it. Throws 502 for what is no answer: no JSON, an error with status 200,
 * no choices, or a choice that the engine gave up. When the engine did not count the completion, or only that of the
 * first choice (`isUsageOfOneChoice`), counting the texts is left to whoever calls this.
 */
export function readWhole(text: string, path: CallPath, meter: UsageMeter, isUsageOfOneChoice: boolean): JsonObject {
  const answer = parseObject(text);
  const isEmbedding = callPaths[path].chunkObject === null;
  const list = answer?.[callPaths[path].answer];
  if (!answer || isError(answer) || !Array.isArray(list) || list.length === 0)
    throw new Refusal("bad_gateway", { log: "engine_answer_unusable" });
  const choices = isEmbedding ? [] : list.filter(isObject);
  if (choices.some(hasGivenUp)) throw new Refusal("bad_gateway", { log: "engine_gave_up" });
  for (const choice of choices) if (hasContent(choice)) meter.noteContent();
  const usage = isUsageOfOneChoice && choices.length > 1 ? null : findUsageText(text);
  if (usage !== null) meter.noteTotal(readCounts(usage));
  if (isEmbedding) meter.noteCompletion(0);
  return answer;
}

/** The answer as the caller sees it: our name of the model, and the usage that is billed. */
export function writeWhole(answer: JsonObject, path: CallPath, model: string, meter: UsageMeter): string {
  const { completion_tokens, ...usage } = readBilledUsage(meter);
  const billed = callPaths[path].chunkObject === null ? usage : { ...usage, completion_tokens };
  const visible = Object.fromEntries(Object.entries(answer).filter(([name]) => !engineMembers.includes(name)));
  return JSON.stringify({ ...visible, model, usage: { ...(isObject(answer["usage"]) && answer["usage"]), ...billed } });
}

/** The choices of a whole answer. */
export function listChoices(answer: JsonObject): JsonObject[] {
  return Array.isArray(answer["choices"]) ? answer["choices"].filter(isObject) : [];
}

/** The text of each choice, for a tokenizer to count. */
export function readTexts(answer: JsonObject): string[] {
  return listChoices(answer).map(readChoiceText);
}

function readChoiceText(choice: JsonObject): string {
  if (typeof choice["text"] === "string") return choice["text"];
  const message = isObject(choice["message"]) ? choice["message"] : {};
  const texts = [message["reasoning"], message["reasoning_content"], message["content"]].filter(
    (part) => typeof part === "string",
  );
  const calls =
    Array.isArray(message["tool_calls"]) && message["tool_calls"].length > 0
      ? [JSON.stringify(message["tool_calls"])]
      : [];
  return [...texts, ...calls].join("\n");
}

/**
 * Keeps the connection of a whole answer open: after `wholeSilenceMsMax` the status line goes out, 200, and then white
 * space, which JSON allows before a value. From then on a failure can only be shown by closing the socket. Returns a
 * function that stops it.
 */
export function startKeepAlive(
  response: ServerResponse,
  limits: Pick<AgentLimits, "wholeSilenceMsMax" | "pingMs">,
  headers: () => Record<string, string>,
  onPing: () => void,
): () => void {
  let timer = setTimeout(function ping() {
    if (!response.headersSent) response.writeHead(200, headers());
    if (!response.writableNeedDrain) response.write(" ");
    onPing();
    timer = setTimeout(ping, limits.pingMs);
  }, limits.wholeSilenceMsMax);
  return () => clearTimeout(timer);
}
