import { isRawNumber, parseExact, scanJson } from "#edge/agreements/exact-json.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { bodyDepthMax } from "#edge/limits.ts";

/** What one piece of an engine's answer adds: to the thoughts, to the text, or to the call of a tool. */
export type Piece =
  | { kind: "thinking" | "text"; text: string }
  | { kind: "tool_use"; text: string; index: number | null; id: string; name: string };

/**
 * The pieces of a chunk's delta or of a whole message, in the order in which the blocks of a message stand. Engines
 * call thoughts `reasoning` or `reasoning_content`; a refusal is text.
 */
export function listPieces(part: JsonObject): Piece[] {
  const { reasoning, reasoning_content: older, content, refusal, tool_calls: calls } = part;
  const pieces: Piece[] = [
    { kind: "thinking", text: readText(reasoning) || readText(older) },
    { kind: "text", text: readText(content) + readText(refusal) },
  ];
  const list = Array.isArray(calls) ? calls.filter(isObject) : [];
  return [...pieces.filter(({ text }) => text !== ""), ...list.map(readCall)];
}

function readCall(call: JsonObject): Piece {
  const of = isObject(call["function"]) ? call["function"] : {};
  const { index, id } = call;
  return {
    kind: "tool_use",
    text: readText(of["arguments"]),
    index: typeof index === "number" ? index : null,
    id: readText(id),
    name: readText(of["name"]),
  };
}

function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * The arguments of a call as an object, with the digits of its numbers as the model wrote them. A model may write what
 * is no object, or be cut off within it: then it stands as text in `INVALID_JSON`, the name that Anthropic gives it
 * where tools' arguments are streamed, so that nothing is lost and nothing made up.
 */
export function readInput(text: string): JsonObject {
  if (text.trim() === "") return {};
  return parseInput(text) ?? { INVALID_JSON: text };
}

/** The same; null for what is no object. What is nested too deep to be written again is none. */
export function parseInput(text: string): JsonObject | null {
  try {
    const unbounded = Number.POSITIVE_INFINITY;
    const rest = {
      outermost: unbounded,
      members: unbounded,
      items: unbounded,
      fractions: unbounded,
      digits: unbounded,
    };
    if (scanJson(Buffer.from(text), { ...rest, depth: bodyDepthMax }).passed) return null;
    const value = parseExact(text);
    return isObject(value) && !isRawNumber(value) ? value : null;
  } catch {
    return null;
  }
}

/** What Anthropic calls the ends of an answer, by the engine's names. */
const reasons: ReadonlyMap<unknown, string> = new Map([
  ["stop", "end_turn"],
  ["length", "max_tokens"],
  ["tool_calls", "tool_use"],
  ["function_call", "tool_use"],
  ["content_filter", "refusal"],
]);

/** How an answer ended. */
export interface AnswerEnd {
  stop_reason: string;
  stop_sequence: string | null;
}

/**
 * How an answer ended, by a choice's `finish_reason`, and `stop_reason`, where vLLM names the text that stopped it. A
 * tool that the caller named ends with `stop`, as vLLM has it: what calls a tool waits for it all the same.
 */
export function readEnd({ finish_reason: finish, stop_reason: stop }: JsonObject, hasCalls: boolean): AnswerEnd {
  if (finish === "stop" && typeof stop === "string") return { stop_reason: "stop_sequence", stop_sequence: stop };
  const reason = reasons.get(finish) ?? "end_turn";
  return { stop_reason: reason === "end_turn" && hasCalls ? "tool_use" : reason, stop_sequence: null };
}
