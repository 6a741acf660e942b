import { isObject, type JsonObject } from "#edge/agreements/json.ts";

/** Members that say nothing about what may be generated, or that hold anyway: every property listed is always there. */
const ignored: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "title",
  "description",
  "default",
  "examples",
  "required",
]);
const known: ReadonlySet<string> = new Set([
  "type",
  "const",
  "enum",
  "$ref",
  "$defs",
  "oneOf",
  "properties",
  "additionalProperties",
  "minProperties",
  "maxProperties",
  "items",
  "prefixItems",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
]);
const plain: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean", "null"]);
const depthMax = 32;

/**
 * The same JSON schema in node-llama-cpp's dialect, or `null` when it holds anything that node-llama-cpp would ignore
 * without a word: an answer that breaks the schema is worse than a refusal. `anyOf` becomes `oneOf`, which its grammar
 * reads as 'any of'.
 */
export function toGrammarSchema(schema: unknown, depth = 0): JsonObject | null {
  if (!isObject(schema) || depth > depthMax) return null;
  const entries = Object.entries(schema).filter(([name]) => !ignored.has(name));
  const members: JsonObject = Object.fromEntries(
    entries.map(([name, value]) => [name === "anyOf" ? "oneOf" : name, value]),
  );
  if (Object.keys(members).length < entries.length || Object.keys(members).some((name) => !known.has(name)))
    return null;
  if (!hasConstraint(members) || !hasAllRequired(schema)) return null;
  const below: [string, unknown][] = [];
  for (const [name, value] of Object.entries(members)) {
    const inner = convertMember(name, value, depth + 1);
    if (inner === null) return null;
    below.push([name, inner]);
  }
  // An object of which nothing is said may hold anything; node-llama-cpp would leave it empty.
  return Object.fromEntries(
    members["type"] === "object" && below.length === 1 ? [...below, ["additionalProperties", true]] : below,
  );
}

/** Without any of these node-llama-cpp writes `null`. */
function hasConstraint(members: JsonObject): boolean {
  if ("const" in members || Array.isArray(members["enum"]) || Array.isArray(members["oneOf"])) return true;
  if (typeof members["$ref"] === "string") return members["$ref"].startsWith("#/$defs/");
  const { type } = members;
  // Of several types at once only plain ones are told apart, and nothing else that is said of them.
  return Array.isArray(type)
    ? type.length > 0 && Object.keys(members).length === 1 && type.every((kind) => plain.has(kind))
    : plain.has(type) || type === "object" || type === "array";
}

/** A property that is required but not listed would never come. */
function hasAllRequired(schema: JsonObject): boolean {
  const listed = isObject(schema["properties"]) ? schema["properties"] : {};
  const required: unknown = schema["required"] ?? [];
  return Array.isArray(required) && required.every((name) => typeof name === "string" && Object.hasOwn(listed, name));
}

function convertMember(name: string, value: unknown, depth: number): unknown {
  if (name === "items") return toGrammarSchema(value, depth);
  if (name === "additionalProperties") return typeof value === "boolean" ? value : toGrammarSchema(value, depth);
  if (name === "oneOf" || name === "prefixItems")
    return requireAll(Array.isArray(value) ? value.map((item) => toGrammarSchema(item, depth)) : []);
  if (name !== "properties" && name !== "$defs") return value;
  if (!isObject(value)) return null;
  const names = Object.keys(value);
  const inner = requireAll(Object.values(value).map((item) => toGrammarSchema(item, depth)));
  return inner && Object.fromEntries(inner.map((item, at) => [names[at], item]));
}

function requireAll<T>(list: (T | null)[]): T[] | null {
  const there = list.filter((item) => item !== null);
  return there.length === list.length ? there : null;
}
