import fc from "fast-check";
import { z } from "zod";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";

/** Values that go where a schema says no more than "an object" or "anything", by the member's name, at any depth. */
export type Seeds = Readonly<Record<string, readonly unknown[]>>;

/** What a body has beside what its schema asks for. */
export interface Wishes {
  seeds: Seeds;
  /** Optional members that a body has at most. */
  optionalMax: number;
}

/**
 * Values that a schema takes, as far as JSON Schema says it: what is checked by hand is up to the seeds. Of an object's
 * optional members a few are there, since all of them at once always contradict each other.
 */
export function valuesOf(schema: z.ZodType, wishes: Wishes): fc.Arbitrary<unknown> {
  return draw(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), null, wishes);
}

function draw(schema: unknown, name: string | null, wishes: Wishes): fc.Arbitrary<unknown> {
  const own = drawOwn(isObject(schema) ? schema : {}, wishes);
  const seeds = name !== null && Object.hasOwn(wishes.seeds, name) ? (wishes.seeds[name] ?? []) : [];
  return seeds.length === 0 ? own : fc.oneof({ weight: 1, arbitrary: own }, { weight: 14, arbitrary: drawSeed(seeds) });
}

/** A seed as it is, or a list made of the items of those that are lists. */
function drawSeed(seeds: readonly unknown[]): fc.Arbitrary<unknown> {
  const items: unknown[] = seeds.flatMap((seed) => (Array.isArray(seed) ? seed : []));
  const one = fc.constantFrom(...seeds);
  return items.length === 0 ? one : fc.oneof(one, fc.array(fc.constantFrom(...items), { maxLength: 4 }));
}

function drawOwn(schema: JsonObject, wishes: Wishes): fc.Arbitrary<unknown> {
  const { enum: choices, const: only, anyOf, type } = schema;
  if (only !== undefined) return fc.constant(only);
  if (Array.isArray(choices)) return fc.constantFrom<unknown>(...choices);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => drawOwn(isObject(one) ? one : {}, wishes)));
  if (type === "string") return drawText(schema);
  if (type === "integer" || type === "number") return drawNumber(schema);
  if (type === "boolean") return fc.boolean();
  if (type === "null") return fc.constant(null);
  if (type === "array") {
    const [minLength, maxLength] = [
      readBound(schema["minItems"]) ?? 0,
      Math.min(readBound(schema["maxItems"]) ?? 4, 4),
    ];
    return fc.array(draw(schema["items"], null, wishes), { minLength, maxLength });
  }
  return type === "object" ? drawObject(schema, wishes) : anything;
}

/** Characters that take more than a byte, or that normalizing makes more of. */
const drawnUnits = fc.constantFrom("é", "\u0301", "ﬁ", "ﷺ", "𝕏", "\u0000", "\ud800", "漢");

const anything = fc.jsonValue({ maxDepth: 2 });

function drawText({ minLength, maxLength, pattern }: JsonObject): fc.Arbitrary<string> {
  if (pattern === "^\\d{1,9}$") return fc.nat(9_999).map(String);
  const bounds = { minLength: readBound(minLength) ?? 0, maxLength: Math.min(readBound(maxLength) ?? 12, 12) };
  return fc.oneof(fc.string(bounds), fc.string({ ...bounds, unit: drawnUnits }));
}

/** Bounds themselves come up often. Where a schema has none, small numbers do. */
function drawNumber(schema: JsonObject): fc.Arbitrary<number> {
  const under = readBound(schema["exclusiveMinimum"]);
  const [min, max] = [readBound(schema["minimum"]) ?? under ?? -3, readBound(schema["maximum"])];
  const isSafe = max === null || max >= Number.MAX_SAFE_INTEGER;
  const [from, to] = [min < -3 ? -3 : min, isSafe ? Math.max(min, 0) + 40 : max];
  if (schema["type"] === "integer") return fc.integer({ min: from, max: to });
  return fc.double({ min: from, max: to, minExcluded: under !== null, noNaN: true });
}

function drawObject(schema: JsonObject, wishes: Wishes): fc.Arbitrary<unknown> {
  const members = isObject(schema["properties"]) ? schema["properties"] : {};
  const needed: unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const drawn = Object.entries(members).map(([name, one]) => ({ name, value: draw(one, name, wishes) }));
  if (drawn.length === 0) return fc.dictionary(fc.string({ maxLength: 5 }), drawFree(schema, wishes), { maxKeys: 2 });
  const always = drawn.filter(({ name }) => needed.includes(name));
  const optional = drawn.filter(({ name }) => !needed.includes(name));
  const chosen = fc.subarray(optional, { maxLength: Math.min(optional.length, wishes.optionalMax) });
  return chosen
    .chain((some) =>
      fc.tuple(...[...always, ...some].map(({ name, value }) => value.map((one) => [name, one] as const))),
    )
    .map((entries) => Object.fromEntries(entries));
}

function drawFree({ additionalProperties: others }: JsonObject, wishes: Wishes): fc.Arbitrary<unknown> {
  return isObject(others) && Object.keys(others).length > 0 ? drawOwn(others, wishes) : anything;
}

function readBound(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
