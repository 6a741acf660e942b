import { isObject, type JsonObject } from "#edge/agreements/json.ts";

const textMembers = ["content", "reasoning", "reasoning_content", "refusal", "text"];
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

/** True when the engine says by `finish_reason` that it gave this choice up. */
export function hasGivenUp(choice: JsonObject): boolean {
  return failedReasons.has(choice["finish_reason"]);
}
