import { isObject } from "../../../agreements/json.ts";
import { tokenIdMax } from "../../../limits.ts";
import { countUtf8Bytes, type FieldFault } from "../../fields.ts";

/** Finds what is wrong with a value, up to the first fault; null for a good one. */
export type Check = (value: unknown) => FieldFault | null;

const fault = (message: string, ...path: PropertyKey[]): FieldFault => ({ path, message });

/** A string of at most `bytesMax` UTF-8 bytes; an empty one too unless `bytesMin` is 1. */
export function checkText(bytesMax: number, bytesMin: 0 | 1 = 0): Check {
  return (value) => {
    if (typeof value !== "string") return fault("must be a string");
    if (value.length < bytesMin) return fault("must not be empty");
    // No string has more bytes than three times its length.
    if (value.length * 3 <= bytesMax || countUtf8Bytes(value) <= bytesMax) return null;
    return fault(`must have at most ${bytesMax} bytes`);
  };
}

/** A list of at most `max` items, each of which passes. */
export function checkList(item: Check, max: number, min: 0 | 1 = 0): Check {
  return (value) => {
    if (!Array.isArray(value)) return fault("must be a list");
    if (value.length < min) return fault("must not be empty");
    if (value.length > max) return fault(`must have at most ${max} items`);
    for (const [index, member] of value.entries()) {
      const found = item(member);
      if (found) return { ...found, path: [index, ...found.path] };
    }
    return null;
  };
}

/** One of these values. */
export function checkChoice(...choices: readonly string[]): Check {
  const known: ReadonlySet<unknown> = new Set(choices);
  return (value) => (known.has(value) ? null : fault(`must be one of ${choices.join(", ")}`));
}

/** True or false. */
export const checkBoolean: Check = (value) => (typeof value === "boolean" ? null : fault("must be true or false"));

/** Any object; its members have rows or bounds of their own. */
export const checkObject: Check = (value) => (isObject(value) ? null : fault("must be an object"));

/** A token's id: any that `/v1/tokenize` may give, so that it can be sent back. */
export function isTokenId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= tokenIdMax;
}

/** A list of at most `max` token ids. */
export function checkTokenIds(max: number): Check {
  return checkList((value) => (isTokenId(value) ? null : fault("must be a token id")), max);
}

/** A string, or a list of at most `max` strings, of at most `bytesMax` bytes each, none of them empty. */
export function checkTexts(max: number, bytesMax: number): Check {
  const one = checkText(bytesMax, 1);
  const many = checkList(one, max);
  return (value) => {
    if (typeof value === "string") return one(value);
    return Array.isArray(value) ? many(value) : fault("must be a string or a list");
  };
}

/** Token ids mapped to numbers from -100 to 100, at most `max` of them. */
export function checkBias(max: number): Check {
  return (value) => {
    if (!isObject(value)) return fault("must be an object");
    const entries = Object.entries(value);
    if (entries.length > max) return fault(`must have at most ${max} entries`);
    const wrong = entries.find(
      ([id, bias]) => !/^\d{1,9}$/.test(id) || typeof bias !== "number" || !(Math.abs(bias) <= 100),
    );
    return wrong ? fault("must map a token id to a number from -100 to 100", wrong[0]) : null;
  };
}

/** An object whose known members pass, with those that must be there. Other members are nobody's here. */
export function checkMembers(checks: Readonly<Record<string, Check>>, needed: readonly string[] = []): Check {
  const rows = Object.entries(checks);
  return (value) => {
    if (!isObject(value)) return fault("must be an object");
    for (const name of needed) if (value[name] === undefined) return fault("is required", name);
    for (const [name, check] of rows) {
      const member = value[name];
      if (member === undefined || (member === null && !needed.includes(name))) continue;
      const found = check(member);
      if (found) return { ...found, path: [name, ...found.path] };
    }
    return null;
  };
}
