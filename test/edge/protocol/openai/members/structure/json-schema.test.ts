import { describe, expect, test } from "vitest";
import { schemaDepthMax, schemaPropertiesMax } from "#edge/limits.ts";
import {
  estimateCompileSeconds,
  findSchemaFault,
  findSchemaTextFault,
} from "#edge/protocol/openai/members/structure/json-schema.ts";

const properties = (count: number, schema: unknown = { type: "string" }) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, schema]));
const nest = (levels: number): unknown => (levels === 0 ? {} : { items: nest(levels - 1) });

describe("a schema within its bounds", () => {
  test.each([
    [true],
    [{}],
    [{ type: "object", properties: properties(schemaPropertiesMax), required: ["p0"], additionalProperties: false }],
    [{ type: "string", pattern: "^[a-z]{1,64}$", maxLength: 10_000, format: "date-time" }],
    [{ enum: Array.from({ length: 1_024 }, (_, at) => at) }],
    [{ $defs: { node: { properties: { next: { $ref: "#/$defs/node" } } } }, $ref: "#/$defs/node" }],
    [nest(schemaDepthMax - 1)],
    [{ properties: { pattern: { type: "string" }, enum: { type: "array" }, maxLength: { default: 99_999 } } }],
    [{ const: { pattern: "a{999}" }, examples: [{ maxItems: 10 ** 9 }], description: "a{999}" }],
  ])("passes: %j", (schema) => {
    expect(findSchemaFault(schema)).toBeNull();
  });
});

describe("a schema out of bounds is named by its path", () => {
  const patterned = { type: "string", pattern: "^[^x]{0,60}.{3,60}[a-z]+$" };
  test.each<[unknown, string]>([
    ["text", ""],
    [[1], ""],
    [{ description: "x".repeat(32 * 1_024) }, ""],
    [{ properties: properties(schemaPropertiesMax + 1, {}) }, "properties"],
    [
      { $defs: { a: { properties: properties(200, {}) }, b: { properties: properties(60, {}) } } },
      "$defs.b.properties",
    ],
    [nest(schemaDepthMax), `${"items.".repeat(schemaDepthMax)}`.slice(0, -1)],
    [{ anyOf: [{}, { pattern: "a{65}" }] }, "anyOf.1.pattern"],
    [{ patternProperties: { "(a{2}){2}": {} } }, "patternProperties"],
    [{ properties: properties(17, patterned) }, "properties.p16.pattern"],
    [{ items: { pattern: "x".repeat(513) } }, "items.pattern"],
    [{ enum: Array.from({ length: 1_025 }, (_, at) => at) }, "enum"],
    [{ enum: ["x".repeat(16 * 1_024)] }, "enum"],
    [{ not: { maxItems: 10_001 } }, "not.maxItems"],
    [{ if: {}, else: { minLength: 1e9 } }, "else.minLength"],
  ])("%#", (schema, path) => {
    expect(findSchemaFault(schema)?.path.join(".")).toBe(path);
  });
});

test("a schema as text is bounded before it is parsed, and must be an object", () => {
  expect(findSchemaTextFault('{"type":"object"}')).toBeNull();
  for (const text of ["x".repeat(33_000), "[]", "null", "{", '{"pattern":"a{99}"}'])
    expect(findSchemaTextFault(text), text.slice(0, 20)).not.toBeNull();
});

test("what compiling costs grows with properties and, far more, with patterns", () => {
  expect(estimateCompileSeconds(null)).toBe(0);
  const plain = estimateCompileSeconds({ properties: properties(100) });
  const hard = estimateCompileSeconds({ properties: properties(10, { pattern: "a+" }) });
  expect(plain).toBeGreaterThan(0);
  expect(hard).toBeGreaterThan(plain);
});
