import { expect, test } from "vitest";
import { toGrammarSchema } from "#origin/gguf/schema.ts";

test("what node-llama-cpp's grammar keeps is passed on, without what says nothing of it", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Person",
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, maxLength: 20, description: "all of it" },
      age: { anyOf: [{ type: "integer" }, { type: "null" }] },
      kind: { enum: ["a", "b"] },
      tags: { type: "array", items: { type: ["string", "null"] }, maxItems: 3 },
      home: { $ref: "#/$defs/place" },
    },
    required: ["name", "age"],
    additionalProperties: false,
    $defs: { place: { type: "object", properties: { street: { const: "x" } } } },
  };
  expect(toGrammarSchema(schema)).toEqual({
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, maxLength: 20 },
      age: { oneOf: [{ type: "integer" }, { type: "null" }] },
      kind: { enum: ["a", "b"] },
      tags: { type: "array", items: { type: ["string", "null"] }, maxItems: 3 },
      home: { $ref: "#/$defs/place" },
    },
    additionalProperties: false,
    $defs: { place: { type: "object", properties: { street: { const: "x" } } } },
  });
});

test("an object without any keyword may hold anything", () => {
  expect(toGrammarSchema({ type: "object" })).toEqual({ type: "object", additionalProperties: true });
});

test.each([
  ["no schema", "x"],
  ["no keyword at all, which it would read as null", {}],
  ["an unknown type", { type: "nonsense" }],
  ["a pattern", { type: "string", pattern: "^a" }],
  ["a format", { type: "string", format: "email" }],
  ["bounds of a number", { type: "integer", minimum: 3 }],
  ["bounds beside several types", { type: ["string", "null"], maxLength: 3 }],
  ["an object among several types", { type: ["object", "null"] }],
  ["both anyOf and oneOf", { anyOf: [{ type: "null" }], oneOf: [{ type: "string" }] }],
  ["a required property that is not listed", { type: "object", properties: {}, required: ["a"] }],
  ["a reference elsewhere", { $ref: "#/definitions/a" }],
  [
    "any of these, deep inside",
    { type: "object", properties: { a: { type: "array", items: { type: "string", pattern: "^a" } } } },
  ],
  ["… in a branch", { anyOf: [{ type: "null" }, { type: "string", format: "date" }] }],
  ["… in a definition", { $ref: "#/$defs/a", $defs: { a: { not: {} } } }],
  ["… in further properties", { type: "object", additionalProperties: { type: "number", multipleOf: 2 } }],
])("%s is refused: it would be ignored without a word", (_, schema) => {
  expect(toGrammarSchema(schema)).toBeNull();
});

test("a schema without end is refused", () => {
  const endless: Record<string, unknown> = { type: "array" };
  endless["items"] = endless;
  expect(toGrammarSchema(endless)).toBeNull();
});
