import * as fc from "fast-check";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { z } from "zod";
import { fillSchema } from "#infra/simulator/text/schema.ts";

const schemas = [
  z.object({ city: z.string().max(5), days: z.int().min(1).max(5) }),
  z
    .array(z.enum(["a", "b"]))
    .min(2)
    .max(3),
  z.object({
    at: z.object({ x: z.number().min(-1).max(1), deep: z.array(z.boolean()).length(2) }),
    kind: z.literal("point"),
  }),
  z.union([z.object({ a: z.string().min(20) }), z.null()]),
  z.object({ step: z.number().gt(3).lt(9).multipleOf(2) }),
];

test.each(schemas.map((schema, at) => [at, schema] as const))(
  "what is filled in is what the schema accepts: %i",
  (_, schema) => {
    fc.assert(
      fc.property(
        fc.nat(),
        (seed) => void expect(schema.safeParse(fillSchema(z.toJSONSchema(schema), seed)).success).toBe(true),
      ),
    );
  },
);

test("references, allOf and recursion end", () => {
  const node = {
    type: "object",
    properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
    required: ["value", "next"],
  };
  const schema = {
    $defs: { node, named: { properties: { name: { type: "string" } } } },
    allOf: [{ $ref: "#/$defs/node" }, { $ref: "#/$defs/named" }],
  };
  fc.assert(
    fc.property(
      fc.nat(),
      (seed) =>
        void expect(fillSchema(schema, seed)).toMatchObject({ value: expect.any(Number), name: expect.any(String) }),
    ),
  );
  expect(JSON.stringify(fillSchema({ $ref: "#" }, 1))).toBe("{}");
});

test("the same seed fills in the same", () => {
  const schema = z.toJSONSchema(schemas[0] ?? z.string());
  expect(fillSchema(schema, 7)).toEqual(fillSchema(schema, 7));
});

const point = { type: "object", properties: { x: { type: "integer", minimum: -2, maximum: 2 } }, required: ["x"] };
/** By a validator that others wrote: what SDKs and agents send. */
const sent: [what: string, schema: object][] = [
  ["nested objects", { type: "object", properties: { a: { ...point, additionalProperties: false } }, required: ["a"] }],
  ["arrays of objects", { type: "array", items: point, minItems: 1, maxItems: 3 }],
  ["enum and const", { type: "object", properties: { a: { enum: ["x", 1, null] }, b: { const: { c: [1] } } } }],
  ["integer bounds", { type: "integer", exclusiveMinimum: 3, maximum: 5 }],
  [
    "a required name without a property",
    { type: "object", required: ["free"], additionalProperties: { type: "number" } },
  ],
  [
    "anyOf with a type of its own",
    { type: "object", anyOf: [{ required: ["x"] }, point], properties: point.properties },
  ],
  ["references", { $defs: { p: point }, type: "object", properties: { p: { $ref: "#/$defs/p" } }, required: ["p"] }],
  ["an escaped reference", { $defs: { "a/b": point }, $ref: "#/$defs/a~1b" }],
  ["a null among types", { type: ["string", "null"], minLength: 2 }],
  ["a pattern", { type: "string", pattern: "^[A-Z]{2}-[0-9]+$" }],
  ["a tuple", { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false }],
  ["unique items", { type: "array", items: { enum: ["a", "b", "c"] }, minItems: 3, uniqueItems: true }],
  ["allOf", { allOf: [point, { type: "object", properties: { y: { type: "boolean" } }, required: ["y"] }] }],
];

test.each(sent)("a validator accepts what is filled in for %s", (_, schema) => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const value = fillSchema(schema, seed);
      expect([validate(value), value, validate.errors]).toEqual([true, value, null]);
    }),
  );
});
