/** A JSON object whose members are not known yet. */
export type JsonObject = Record<string, unknown>;

/** Tells a JSON object from every other value; arrays and null are none. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses text that should hold one JSON object; null for anything else, and never throws. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
