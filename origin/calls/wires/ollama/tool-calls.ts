import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { mergeDelta } from "../../whole/merge-delta.ts";

/** What a model has called, as Ollama has it, and the text of calls that never became whole. */
export interface ReadCalls {
  calls: JsonObject[];
  broken: string;
}

/**
 * Reads calls of tools as OpenAI's API has them: arguments become an object. Those of a call that was cut off, or that
 * a model wrote wrong, are none: its text is given as it came, as Ollama gives what it cannot read as a call. What is
 * returned is for writing only: numbers keep their digits (`parseExact`).
 */
export function readToolCalls(calls: unknown): ReadCalls {
  const read: ReadCalls = { calls: [], broken: "" };
  for (const call of Array.isArray(calls) ? calls.filter(isObject) : []) {
    const called = isObject(call["function"]) ? call["function"] : {};
    const { name, arguments: text } = called;
    const args = readArguments(text);
    const id = typeof call["id"] === "string" ? { id: call["id"] } : {};
    if (typeof name === "string" && args !== null)
      read.calls.push({ ...id, function: { index: read.calls.length, name, arguments: args } });
    else read.broken += JSON.stringify({ name, arguments: text });
  }
  return read;
}

/** A function without parameters may be called with no text at all. */
function readArguments(text: unknown): unknown {
  if (text === "" || text === undefined || text === null) return {};
  return typeof text === "string" && parseObject(text) ? parseExact(text) : null;
}

/** Collects the pieces of calls that chunks bring. */
export class ToolCallAssembly {
  #whole: JsonObject = {};

  /** Takes what a chunk's delta says of calls. */
  add(delta: JsonObject): void {
    if (Array.isArray(delta["tool_calls"])) mergeDelta(this.#whole, { tool_calls: delta["tool_calls"] });
  }

  /** All that has come, in the order of their indexes. */
  read(): ReadCalls {
    const calls = Array.isArray(this.#whole["tool_calls"]) ? this.#whole["tool_calls"].filter(isObject) : [];
    return readToolCalls(calls.toSorted((one, other) => Number(one["index"] ?? 0) - Number(other["index"] ?? 0)));
  }
}
