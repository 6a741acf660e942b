import * as fc from "fast-check";
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
