import type { JsonObject } from "../agreements/json.ts";

/**
 * Members whose numbers are read here: they stay numbers. All else goes to the engine as it came, so a constant in a
 * tool's schema keeps its digits.
 */
const readHere: ReadonlySet<string> = new Set(["n", "stream", "stream_options", "logit_bias", "prompt", "input"]);

/**
 * Returns a body with its members as `parseExact` has them, for writing only: they hold numbers that nothing but
 * `JSON.stringify` can read. Without such (`exact` is null) it is the very same body.
 */
export function restoreDigits(body: JsonObject, exact: JsonObject | null): JsonObject {
  if (exact === null) return body;
  const members = Object.entries(body).map(([name, value]) => {
    const isFree = !readHere.has(name) && Object.hasOwn(exact, name);
    return [name, isFree ? exact[name] : value];
  });
  return Object.fromEntries(members);
}
