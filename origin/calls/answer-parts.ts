import { isObject, type JsonObject } from "#edge/agreements/json.ts";

const textMembers = ["content", "reasoning", "reasoning_content", "refusal", "text"];
/** Under which names engines write what a model thinks before it answers. */
const reasoningMembers = ["reasoning", "reasoning_content"];
const failedReasons: ReadonlySet<unknown> = new Set(["error", "abort"]);

/** True for `{"error":…}` and for the flat form of vLLM before 0.10. */
export function isError(body: JsonObject): boolean {
  return (body["error"] !== undefined && body["error"] !== null) || body["object"] === "error";
}

/** Does a choice of a chunk or of a whole answer carry anything that the model made? */
export function hasContent(choice: JsonObject): boolean {
  const part = isObject(choice["delta"]) ? choice["delta"] : isObject(choice["message"]) ? choice["message"] : choice;
  if (textMembers.some((name) => typeof part[name] === "string" && part[name] !== "")) return true;
  return (Array.isArray(part["tool_calls"]) && part["tool_calls"].length > 0) || isObject(part["function_call"]);
}

/** Does a choice of a chunk carry a piece of what the model thinks before it answers? */
export function hasReasoning({ delta }: JsonObject): boolean {
  return isObject(delta) && readReasoning(delta) !== "";
}

/** What the model thought before it answered, as a delta or a message has it; "" for nothing. */
export function readReasoning(part: JsonObject): string {
  for (const name of reasoningMembers) if (typeof part[name] === "string" && part[name] !== "") return part[name];
  return "";
}

/** True when the engine says by `finish_reason` that it gave this choice up. */
export function hasGivenUp(choice: JsonObject): boolean {
  return failedReasons.has(choice["finish_reason"]);
}

/**
 * The choices of a chunk or of a whole answer without their reasoning, and without the logprobs and token ids by which
 * it could be read all the same. A chunk's choice that brought nothing else is left out.
 */
export function hideReasoning(choices: JsonObject[]): JsonObject[] {
  return choices.flatMap((choice) => {
    const part = isObject(choice["delta"]) ? choice["delta"] : choice["message"];
    if (!isObject(part) || !reasoningMembers.some((name) => name in part)) return [choice];
    const isThought = reasoningMembers.some((name) => typeof part[name] === "string" && part[name] !== "");
    const isOfChunk = part === choice["delta"];
    for (const name of reasoningMembers)
      if (isOfChunk) delete part[name];
      else if (name in part) part[name] = null;
    if (!isThought || (isOfChunk && hasContent(choice))) return [choice];
    if (isOfChunk && typeof choice["finish_reason"] !== "string" && !("role" in part)) return [];
    for (const name of ["logprobs", "token_ids"]) if (name in choice) choice[name] = null;
    return [choice];
  });
}
