import { isObject, parseObject, type JsonObject } from "../../../../agreements/json.ts";
import { estimateCompileSeconds } from "./json-schema.ts";

/** What an engine takes to begin on any grammar, in seconds of a core. */
const startSeconds = 0.05;

/**
 * What compiling the form that a body wants for its answer costs an engine, in seconds of a core; 0 for free text.
 * Tools count where one must be called, or where one is `strict`: else no grammar is made of them.
 */
export function estimateCompile(body: JsonObject): number {
  const { response_format: format, structured_outputs: outputs, tools, tool_choice: chosen } = body;
  const schemas: unknown[] = [];
  if (isObject(format) && format["type"] !== "text") schemas.push(readFormatSchema(format));
  if (isObject(outputs)) schemas.push(readOutputsSchema(outputs));
  const mustCall = chosen === "required" || isObject(chosen);
  if (Array.isArray(tools) && chosen !== "none" && (mustCall || tools.some(isStrict)))
    schemas.push(...tools.map(readToolSchema));
  return schemas.reduce<number>((sum, schema) => sum + estimateCompileSeconds(schema), schemas.length && startSeconds);
}

function readFormatSchema({ json_schema: named, format }: JsonObject): unknown {
  return isObject(named) ? named["schema"] : format;
}

function readOutputsSchema({ json }: JsonObject): unknown {
  return typeof json === "string" ? parseObject(json) : json;
}

function isStrict(tool: unknown): boolean {
  return isObject(tool) && isObject(tool["function"]) && tool["function"]["strict"] === true;
}

function readToolSchema(tool: unknown): unknown {
  const called = isObject(tool) ? tool["function"] : null;
  return isObject(called) ? called["parameters"] : null;
}
