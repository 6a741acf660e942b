import { isObject, parseObject, type JsonObject } from "../../../../agreements/json.ts";
import {
  enumBytesMax,
  enumItemsMax,
  patternBytesMax,
  patternsMax,
  schemaBytesMax,
  schemaCountMax,
  schemaDepthMax,
  schemaPropertiesMax,
} from "../../../../limits.ts";
import { countUtf8Bytes, type FieldFault } from "../../../fields.ts";
import { findPatternFault } from "./pattern.ts";

/**
 * What is wrong with a JSON schema that an engine has to compile, up to the first fault. A grammar compiler's time and
 * memory grow with all of these: bytes, depth, properties, patterns and their counts, sizes of enums, lengths that are
 * counted out. What a schema means is the engine's to judge.
 */
export function findSchemaFault(schema: unknown): FieldFault | null {
  if (typeof schema === "boolean") return null;
  if (!isObject(schema)) return { path: [], message: "must be an object" };
  if (countUtf8Bytes(JSON.stringify(schema)) > schemaBytesMax)
    return { path: [], message: `must have at most ${schemaBytesMax} bytes` };
  const walk = new SchemaWalk();
  walk.visit(schema, [], 1);
  return walk.fault;
}

/** A schema that was sent as JSON text, as `structured_outputs.json` allows. */
export function findSchemaTextFault(text: string): FieldFault | null {
  if (countUtf8Bytes(text) > schemaBytesMax) return { path: [], message: `must have at most ${schemaBytesMax} bytes` };
  const schema = parseObject(text);
  return schema === null ? { path: [], message: "must be a JSON schema" } : findSchemaFault(schema);
}

/**
 * What compiling a schema costs an engine, in seconds of a core: measured with xgrammar 0.2.8, where 505 properties
 * with patterns took 19 CPU seconds (a pattern 0.038 s) and plain properties less than a millisecond each.
 */
export function estimateCompileSeconds(schema: unknown): number {
  if (!isObject(schema)) return 0;
  const walk = new SchemaWalk();
  walk.visit(schema, [], 1);
  return 0.001 * walk.properties + 0.038 * walk.patterns;
}

/** Keywords whose value is a map of names to schemas, a schema or a list of them. All else holds no schema. */
const maps: ReadonlySet<string> = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
const nested: ReadonlySet<string> = new Set(
  [
    "items prefixItems additionalItems unevaluatedItems contains additionalProperties unevaluatedProperties",
    "propertyNames allOf anyOf oneOf not if then else dependencies",
  ].flatMap((names) => names.split(" ")),
);
/** Counts that a grammar spells out. */
const counts: ReadonlySet<string> = new Set(
  "minLength maxLength minItems maxItems minContains maxContains minProperties maxProperties".split(" "),
);

class SchemaWalk {
  fault: FieldFault | null = null;
  properties = 0;
  patterns = 0;

  visit(schema: unknown, path: PropertyKey[], depth: number): void {
    if (this.fault) return;
    if (depth > schemaDepthMax) return this.#blame(path, `must not be nested deeper than ${schemaDepthMax} levels`);
    if (Array.isArray(schema)) return schema.forEach((item, index) => this.visit(item, [...path, index], depth + 1));
    if (!isObject(schema)) return;
    for (const [name, value] of Object.entries(schema)) {
      const at = [...path, name];
      if (name === "pattern") this.#readPattern(value, at);
      else if (name === "patternProperties" && isObject(value)) this.#readPatternProperties(value, at, depth);
      else if (name === "enum") this.#readEnum(value, at);
      else if (counts.has(name)) this.#readCount(value, at);
      else if (maps.has(name) && isObject(value)) this.#readMap(value, at, depth);
      else if (nested.has(name)) this.visit(value, at, depth + 1);
    }
  }

  #readMap(schemas: JsonObject, path: PropertyKey[], depth: number): void {
    this.properties += Object.keys(schemas).length;
    if (this.properties > schemaPropertiesMax)
      return this.#blame(path, `must not make more than ${schemaPropertiesMax} properties in all`);
    for (const [name, schema] of Object.entries(schemas)) this.visit(schema, [...path, name], depth + 1);
  }

  #readPatternProperties(schemas: JsonObject, path: PropertyKey[], depth: number): void {
    for (const name of Object.keys(schemas)) this.#readPattern(name, path);
    this.#readMap(schemas, path, depth);
  }

  #readPattern(pattern: unknown, path: PropertyKey[]): void {
    if (typeof pattern !== "string") return;
    if (++this.patterns > patternsMax) return this.#blame(path, `must not be one of more than ${patternsMax} patterns`);
    if (countUtf8Bytes(pattern) > patternBytesMax)
      return this.#blame(path, `must have at most ${patternBytesMax} bytes`);
    const wrong = findPatternFault(pattern);
    if (wrong) this.#blame(path, wrong);
  }

  #readEnum(values: unknown, path: PropertyKey[]): void {
    if (!Array.isArray(values)) return;
    if (values.length > enumItemsMax) return this.#blame(path, `must have at most ${enumItemsMax} items`);
    if (countUtf8Bytes(JSON.stringify(values)) > enumBytesMax)
      this.#blame(path, `must have at most ${enumBytesMax} bytes`);
  }

  #readCount(count: unknown, path: PropertyKey[]): void {
    if (typeof count === "number" && count > schemaCountMax) this.#blame(path, `must be at most ${schemaCountMax}`);
  }

  #blame(path: PropertyKey[], message: string): void {
    this.fault ??= { path, message };
  }
}
