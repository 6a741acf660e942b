import { isRawNumber } from "../agreements/exact-json.ts";
import { isObject, type JsonObject } from "../agreements/json.ts";

/**
 * Members whose numbers are read here: they stay numbers. All else goes to the engine as it came, so a constant in a
 * tool's schema keeps its digits.
 */
const readHere: ReadonlySet<string> = new Set(["n", "stream", "stream_options", "logit_bias", "prompt", "input"]);

/**
 * Returns a body with its numbers as `parseExact` has them, for writing only: nothing but `JSON.stringify` can read
 * those. Whatever the body has lost or changed since it was parsed stays so. Without such numbers (`exact` is null) it
 * is the very same body.
 */
export function restoreDigits(body: JsonObject, exact: JsonObject | null): JsonObject {
  if (exact === null) return body;
  return mapMembers(body, (name, value) => (readHere.has(name) ? value : restore(value, readOwn(exact, name))));
}

function restore(value: unknown, exact: unknown): unknown {
  if (typeof value === "number") return isRawNumber(exact) ? exact : value;
  if (Array.isArray(value))
    return Array.isArray(exact) ? value.map((item, index) => restore(item, exact[index])) : value;
  if (!isObject(value) || !isObject(exact) || isRawNumber(exact)) return value;
  return mapMembers(value, (name, member) => restore(member, readOwn(exact, name)));
}

function readOwn(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function mapMembers(object: JsonObject, map: (name: string, value: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(name, value)]));
}
