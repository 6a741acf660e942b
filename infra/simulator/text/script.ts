import { fillSchema, isRecord } from "./schema.ts";
import { hashText } from "./hash.ts";
import { generateMatch } from "./regex.ts";
import { engineProblem, invalid, problem } from "../problems.ts";
import { tokenize } from "./tokenizer.ts";

/** How a token of a script reaches the caller: as text, as a tool call's beginning, as its arguments, or not at all. */
export type Part = "text" | "call" | "arguments" | "hidden";

/** An answer that is laid down in advance, because it must have a form: JSON, or a tool call. */
export interface Script {
  readonly tokens: readonly number[];
  readonly parts: readonly Part[];
  readonly tool: { readonly name: string; readonly isNamed: boolean; readonly isFree: boolean } | null;
}

function scriptOf(pieces: readonly [Part, string][], tool: Script["tool"]): Script {
  const tokens: number[] = [];
  const parts: Part[] = [];
  for (const [part, text] of pieces) {
    const ids = tokenize(text);
    tokens.push(...ids);
    // A call begins for the caller when its name is complete, which is at the last token of the head.
    parts.push(...ids.map((_, at): Part => (part === "call" && at < ids.length - 1 ? "hidden" : part)));
  }
  return { tokens, parts, tool };
}

/**
 * The script for `response_format` or `structured_outputs`, or `null` when the answer is free. Throws vLLM's 400 for a
 * format that is none.
 */
export function structuredScript(raw: Readonly<Record<string, unknown>>, seed: string): Script | null {
  const text = structuredText(raw, hashText(seed));
  return text === null ? null : scriptOf([["text", text]], null);
}

function structuredText(raw: Readonly<Record<string, unknown>>, seed: number): string | null {
  const format = raw["response_format"];
  const type = isRecord(format) ? format["type"] : undefined;
  if (isRecord(format) && type === "json_schema")
    return JSON.stringify(fillSchema(checkSchema(format["json_schema"]), seed));
  if (type === "json_object") return JSON.stringify({ answer: fillSchema({ type: "string" }, seed) });
  if (type !== undefined && type !== "text" && type !== "structural_tag") throw unknownFormat(type);
  const wish = raw["structured_outputs"];
  if (!isRecord(wish)) return null;
  const wished = ["json", "regex", "choice"].filter((name) => wish[name] !== undefined && wish[name] !== null);
  if (wished.length > 1)
    throw problem("You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').");
  if (wish["json"] !== undefined && wish["json"] !== null)
    return JSON.stringify(fillSchema(typeof wish["json"] === "string" ? JSON.parse(wish["json"]) : wish["json"], seed));
  if (wish["regex"] !== undefined && wish["regex"] !== null) return writeMatch(wish["regex"], seed);
  if (Array.isArray(wish["choice"])) return String(wish["choice"][seed % wish["choice"].length]);
  return wish["json_object"] === true ? JSON.stringify({ answer: fillSchema({ type: "string" }, seed) }) : null;
}

function writeMatch(pattern: unknown, seed: number): string {
  if (typeof pattern !== "string") throw problem("'regex' must be a string.", "structured_outputs");
  try {
    return generateMatch(pattern, seed);
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof SyntaxError)
      throw engineProblem(`Grammar error: the simulator cannot follow the regex: ${cause.message}`);
    throw cause;
  }
}

/** `json_schema` of a request, checked as far as vLLM checks it before the grammar is built. */
function checkSchema(schema: unknown): unknown {
  if (!isRecord(schema))
    throw problem(
      "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
      "response_format",
    );
  const inner = schema["schema"];
  const type = isRecord(inner) ? inner["type"] : undefined;
  const types = ["object", "array", "string", "number", "integer", "boolean", "null"];
  if (typeof type === "string" && !types.includes(type)) throw engineProblem(`Grammar error: Invalid type: ${type}`);
  return inner ?? { type: "object" };
}

function unknownFormat(type: unknown) {
  const expected = "'text', 'json_object' or 'json_schema'";
  return invalid([
    {
      type: "literal_error",
      loc: "body.response_format.type",
      msg: `Input should be ${expected}`,
      input: type,
      ctx: { expected },
    },
  ]);
}

/**
 * The script of a tool call, or `null` when none is made: with `auto` a tool is called when the last message is the
 * user's, and a message of a tool is answered in text. Throws vLLM's 400 for tools and choices that do not fit.
 */
export function toolScript(raw: Readonly<Record<string, unknown>>, lastRole: string, seed: string): Script | null {
  const choice = raw["tool_choice"] ?? (Array.isArray(raw["tools"]) ? "auto" : "none");
  const tools = Array.isArray(raw["tools"])
    ? raw["tools"].map((tool) => (isRecord(tool) && isRecord(tool["function"]) ? tool["function"] : {}))
    : [];
  if (choice === "none" || (choice === "auto" && lastRole !== "user")) return null;
  const named = isRecord(choice) && isRecord(choice["function"]) ? choice["function"]["name"] : undefined;
  const hash = hashText(seed);
  const tool =
    named === undefined ? tools[hash % tools.length] : tools.find((candidate) => candidate["name"] === named);
  if (!tool) return null;
  const name = String(tool["name"]);
  const filled = JSON.stringify(fillSchema(tool["parameters"] ?? { type: "object" }, hash));
  const head = `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": `;
  return scriptOf(
    [
      ["call", head],
      ["arguments", filled],
      ["hidden", "}\n</tool_call>"],
    ],
    { name, isNamed: named !== undefined, isFree: choice === "auto" },
  );
}

/** vLLM's checks of `tools` and `tool_choice`. */
export function checkTools(raw: Readonly<Record<string, unknown>>): void {
  const { tools, tool_choice: choice } = raw;
  if (Array.isArray(tools) && tools.length === 0) {
    throw problem(
      "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.",
      "tools",
    );
  }
  if (choice === undefined || choice === null || choice === "none") return;
  if (!Array.isArray(tools)) throw problem("When using `tool_choice`, `tools` must be set.", "tool_choice");
  if (choice === "auto" || choice === "required") return;
  if (!isRecord(choice)) {
    throw problem(
      `Invalid value for \`tool_choice\`: ${String(choice)}! Only named tools, "none", "auto" or "required" ` +
        "are supported.",
      "tool_choice",
    );
  }
  const usage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`';
  const wanted = choice["function"];
  if (!isRecord(wanted))
    throw problem(
      `Invalid value for \`function\`: \`${String(wanted)}\` in \`tool_choice\`! ${usage}`,
      "tool_choice.function",
    );
  if (!("name" in wanted))
    throw problem(`Expected field \`name\` in \`function\` in \`tool_choice\`! ${usage}`, "tool_choice.function.name");
  const isKnown = tools.some(
    (tool) => isRecord(tool) && isRecord(tool["function"]) && tool["function"]["name"] === wanted["name"],
  );
  if (!isKnown)
    throw problem("The tool specified in `tool_choice` does not match any of the specified `tools`", "tool_choice");
}
