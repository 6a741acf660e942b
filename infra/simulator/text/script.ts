import { fillSchema, isRecord } from "./schema.ts";
import { hashText } from "./hash.ts";
import { generateMatch } from "./regex.ts";
import { makeEngineProblem, makeInvalid, makeProblem } from "../problems.ts";
import { tokenize } from "./tokenizer.ts";

/**
 * How a token reaches the caller: as text, as reasoning, as a tool call's beginning, as its arguments, or not at all.
 */
export type TokenPart = "text" | "reasoning" | "call" | "arguments" | "hidden";

/** An answer that is laid down in advance, because it must have a certain form: JSON, or a tool call. */
export interface AnswerScript {
  readonly tokens: readonly number[];
  readonly parts: readonly TokenPart[];
  readonly tool: { readonly name: string; readonly isNamed: boolean; readonly isFree: boolean } | null;
}

function makeScript(pieces: readonly [TokenPart, string][], tool: AnswerScript["tool"]): AnswerScript {
  const tokens: number[] = [];
  const parts: TokenPart[] = [];
  for (const [part, text] of pieces) {
    const ids = tokenize(text);
    tokens.push(...ids);
    // A call begins for the caller when its name is complete, which is at the last token of the head.
    parts.push(...ids.map((_, at): TokenPart => (part === "call" && at < ids.length - 1 ? "hidden" : part)));
  }
  return { tokens, parts, tool };
}

/**
 * The script for `response_format` or `structured_outputs`, or `null` when the answer is free. Throws vLLM's 400 for a
 * format that is none.
 */
export function makeStructuredScript(raw: Readonly<Record<string, unknown>>, seed: string): AnswerScript | null {
  const text = writeStructured(raw, hashText(seed));
  return text === null ? null : makeScript([["text", text]], null);
}

function writeStructured(raw: Readonly<Record<string, unknown>>, seed: number): string | null {
  const format = raw["response_format"];
  const type = isRecord(format) ? format["type"] : undefined;
  if (isRecord(format) && type === "json_schema")
    return JSON.stringify(fillSchema(checkSchema(format["json_schema"]), seed));
  if (type === "json_object") return JSON.stringify({ answer: fillSchema({ type: "string" }, seed) });
  if (type !== undefined && type !== "text" && type !== "structural_tag") throw refuseFormat(type);
  const structured = raw["structured_outputs"];
  if (!isRecord(structured)) return null;
  const wished = ["json", "regex", "choice"].filter(
    (name) => structured[name] !== undefined && structured[name] !== null,
  );
  if (wished.length > 1)
    throw makeProblem("You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').");
  if (structured["json"] !== undefined && structured["json"] !== null)
    return JSON.stringify(
      fillSchema(typeof structured["json"] === "string" ? JSON.parse(structured["json"]) : structured["json"], seed),
    );
  if (structured["regex"] !== undefined && structured["regex"] !== null) return writeMatch(structured["regex"], seed);
  if (Array.isArray(structured["choice"])) return String(structured["choice"][seed % structured["choice"].length]);
  return structured["json_object"] === true ? JSON.stringify({ answer: fillSchema({ type: "string" }, seed) }) : null;
}

function writeMatch(pattern: unknown, seed: number): string {
  if (typeof pattern !== "string") throw makeProblem("'regex' must be a string.", "structured_outputs");
  try {
    return generateMatch(pattern, seed);
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof SyntaxError)
      throw makeEngineProblem(`Grammar error: the simulator cannot follow the regex: ${cause.message}`);
    throw cause;
  }
}

/** `json_schema` of a request, checked as far as vLLM checks it before the grammar is built. */
function checkSchema(schema: unknown): unknown {
  if (!isRecord(schema))
    throw makeProblem(
      "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
      "response_format",
    );
  const inner = schema["schema"];
  const type = isRecord(inner) ? inner["type"] : undefined;
  const types = ["object", "array", "string", "number", "integer", "boolean", "null"];
  if (typeof type === "string" && !types.includes(type))
    throw makeEngineProblem(`Grammar error: Invalid type: ${type}`);
  return inner ?? { type: "object" };
}

function refuseFormat(type: unknown) {
  const expected = "'text', 'json_object' or 'json_schema'";
  return makeInvalid([
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
export function makeToolScript(
  raw: Readonly<Record<string, unknown>>,
  lastRole: string,
  seed: string,
): AnswerScript | null {
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
  const filled = fillSchema(tool["parameters"] ?? { type: "object" }, hash);
  return makeCallScript(name, filled, { isNamed: named !== undefined, isFree: choice === "auto" });
}

/** The script of an answer that was set for a chat (set-answers.ts). */
export function makeSetScript(answer: { text: string } | { tool: string; arguments: unknown }): AnswerScript {
  if ("text" in answer) return makeScript([["text", answer.text]], null);
  return makeCallScript(answer.tool, answer.arguments, { isNamed: false, isFree: true });
}

function makeCallScript(name: string, filled: unknown, how: { isNamed: boolean; isFree: boolean }): AnswerScript {
  const head = `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": `;
  return makeScript(
    [
      ["call", head],
      ["arguments", JSON.stringify(filled)],
      ["hidden", "}\n</tool_call>"],
    ],
    { name, ...how },
  );
}

/** vLLM's checks of `tools` and `tool_choice`. */
export function checkTools(raw: Readonly<Record<string, unknown>>): void {
  const { tools, tool_choice: choice } = raw;
  if (Array.isArray(tools) && tools.length === 0) {
    throw makeProblem(
      "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.",
      "tools",
    );
  }
  if (choice === undefined || choice === null || choice === "none") return;
  if (!Array.isArray(tools)) throw makeProblem("When using `tool_choice`, `tools` must be set.", "tool_choice");
  if (choice === "auto" || choice === "required") return;
  if (!isRecord(choice)) {
    throw makeProblem(
      `Invalid value for \`tool_choice\`: ${String(choice)}! Only named tools, "none", "auto" or "required" ` +
        "are supported.",
      "tool_choice",
    );
  }
  const usage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`';
  const named = choice["function"];
  if (!isRecord(named))
    throw makeProblem(
      `Invalid value for \`function\`: \`${String(named)}\` in \`tool_choice\`! ${usage}`,
      "tool_choice.function",
    );
  if (!("name" in named))
    throw makeProblem(
      `Expected field \`name\` in \`function\` in \`tool_choice\`! ${usage}`,
      "tool_choice.function.name",
    );
  const isKnown = tools.some(
    (tool) => isRecord(tool) && isRecord(tool["function"]) && tool["function"]["name"] === named["name"],
  );
  if (!isKnown)
    throw makeProblem("The tool specified in `tool_choice` does not match any of the specified `tools`", "tool_choice");
}
