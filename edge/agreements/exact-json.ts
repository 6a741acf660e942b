import { isObject } from "./json.ts";

declare global {
  /** What V8 has since 11.4, and TypeScript's library does not know yet. */
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/** Longer numbers have no use, and their digits would pass every bound on what an engine has to read. */
export const numberCharsMax = 256;

/** What JSON text may have, for a parser to be let at it. Beyond a bound the look ends. */
export interface JsonBounds {
  /** Levels of lists and objects. */
  depth: number;
  /** Members of the outermost object, or items of such a list. */
  outermost: number;
  /** Strings, lists, objects, and members by their colon. */
  members: number;
  /** Values and members after the first of their list or object: commas. */
  items: number;
  /** Numbers that are no integers of up to 15 digits: fractions, exponents, 2^63. */
  fractions: number;
  /** Characters of a number. */
  digits: number;
}

/** What a look at JSON text's bytes shows, before a parser sees them. */
export interface JsonScan {
  /** The first bound that was passed, and where the look ended therefore; else null. */
  passed: keyof JsonBounds | null;
  /** How deep it is nested; a scalar is 0. */
  depth: number;
  /** It has a number that JavaScript would write otherwise than it was sent. */
  isInexact: boolean;
  /** Where such numbers begin and end, by turns; plain settings among them (`1.0`). */
  otherwise: number[];
}

const unbounded: JsonBounds = {
  depth: Number.POSITIVE_INFINITY,
  outermost: Number.POSITIVE_INFINITY,
  members: Number.POSITIVE_INFINITY,
  items: Number.POSITIVE_INFINITY,
  fractions: Number.POSITIVE_INFINITY,
  digits: Number.POSITIVE_INFINITY,
};

/**
 * Looks once over JSON text: does it keep the bounds, and has it a number that JavaScript would write otherwise:
 * `1.10`, `-0`, `1e400`, an integer beyond 2^53. Text in strings costs next to nothing. A plain `1.0` or `1e-05` among
 * the body's own members does not count as inexact: SDKs for Python send it for settings, whose value stays the same.
 * For malformed text the result means nothing; the parser refuses it.
 */
export function scanJson(bytes: Uint8Array, bounds: JsonBounds): JsonScan {
  const left = { ...bounds };
  const scan: JsonScan = { passed: null, depth: 0, isInexact: false, otherwise: [] };
  let depth = 0;
  for (let at = 0; at < bytes.length && scan.passed === null; at++) {
    const kind = kinds[bytes[at] ?? 0];
    if (kind === nothing) continue;
    if (kind === inNumber) {
      const end = findNumberEnd(bytes, at);
      if (!isShortInteger(bytes, at, end)) noteNumber(scan, left, { text: bytes.subarray(at, end), at, depth });
      at = end - 1;
    } else if (kind === comma) {
      if (left.items-- === 0) scan.passed = "items";
      else if (depth === 1 && --left.outermost === 0) scan.passed = "outermost";
    } else if (kind === closing) depth--;
    else if (left.members-- === 0) scan.passed = "members";
    else if (kind === quote) at = findStringEnd(bytes, at);
    else if (kind === opening && ++depth > scan.depth) {
      if (depth > bounds.depth) scan.passed = "depth";
      else scan.depth = depth;
    }
  }
  return scan;
}

/** Tells whether JSON text has a number that JavaScript would write otherwise than it was sent (`scanJson`). */
export function hasInexactNumber(bytes: Uint8Array): boolean {
  return scanJson(bytes, unbounded).isInexact;
}

/**
 * Parses JSON text as `JSON.parse` does, but for numbers that JavaScript would write otherwise: those become raw JSON,
 * which `JSON.stringify` writes as it came and nothing else can read. Throws RangeError for a number of more than 256
 * characters.
 */
export function parseExact(text: string): unknown {
  const bytes = new TextEncoder().encode(text);
  const scan = scanJson(bytes, { ...unbounded, digits: numberCharsMax });
  if (scan.passed) throw new RangeError("a number is too long");
  return restoreNumbers(bytes, JSON.parse(text), scan.otherwise);
}

/**
 * The value of JSON text (`parseExact`) that was looked at and parsed already. The numbers in question are put in
 * quotes and all is parsed once more: what is a number in `json` and text here was one of them. A reviver, which sees
 * the text of each number, costs a microsecond for each value.
 */
export function restoreNumbers(bytes: Uint8Array, json: unknown, otherwise: readonly number[]): unknown {
  const quoted = new Uint8Array(bytes.length + otherwise.length);
  let from = 0;
  for (const [index, to] of otherwise.entries()) {
    quoted.set(bytes.subarray(from, to), from + index);
    quoted[to + index] = quote;
    from = to;
  }
  quoted.set(bytes.subarray(from), from + otherwise.length);
  return writeRaw(JSON.parse(new TextDecoder().decode(quoted)), json);
}

/** Turns texts that stand where the other value has numbers into raw JSON, in place. */
function writeRaw(value: unknown, plain: unknown): unknown {
  if (typeof value === "string") return typeof plain === "number" ? JSON.rawJSON(value) : value;
  if (Array.isArray(value) && Array.isArray(plain)) {
    for (let at = 0; at < value.length; at++) {
      if (typeof value[at] !== "number") value[at] = writeRaw(value[at], plain[at]);
    }
  } else if (isObject(value) && isObject(plain)) {
    for (const name of Object.keys(value)) value[name] = writeRaw(value[name], plain[name]);
  }
  return value;
}

/** Tells what `parseExact` has left as text from an object. */
export function isRawNumber(value: unknown): boolean {
  return JSON.isRawJSON(value);
}

/** So many bytes of a string are looked at one by one: a call to search them costs more. */
const nearBytes = 48;

/** The index of the quote that ends the string which starts at `start`; the end of the bytes if there is none. */
function findStringEnd(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length;) {
    for (const near = at + nearBytes; at < near; at++) {
      const byte = bytes[at];
      if (byte === quote) return at;
      if (byte === backslash) at++;
    }
    const found = bytes.indexOf(quote, at);
    if (found === -1) return bytes.length;
    let slashes = 0;
    while (found - slashes > at && bytes[found - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return found;
    at = found + 1;
  }
  return bytes.length;
}

const [quote, backslash, comma, colon, minus, zero] = [34, 92, 44, 58, 45, 48];

// What a byte outside a string is: nothing of interest, the first of a number, or itself.
const [nothing, inNumber, opening, closing] = [0, 1, 2, 3];
const kinds = new Uint8Array(256);
/** Bytes of which a number is made: 1 for a digit, 2 for a sign, a point and `e`. */
const numeric = new Uint8Array(256);
for (const digit of "0123456789") kinds[digit.charCodeAt(0)] = numeric[digit.charCodeAt(0)] = 1;
for (const other of "+-.eE") numeric[other.charCodeAt(0)] = 2;
for (const [bytes, kind] of [
  ["-", inNumber],
  ["[{", opening],
  ["]}", closing],
  [",", comma],
  [":", colon],
  ['"', quote],
] as const) {
  for (const byte of bytes) kinds[byte.charCodeAt(0)] = kind;
}

/** An integer of so many characters is exact in a double, its sign included. */
const exactCharsMax = 15;
/** JavaScript writes no number in more characters. */
const writtenCharsMax = 25;

function findNumberEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && numeric[bytes[at] ?? 0] !== 0) at++;
  return at;
}

/** What nearly all numbers are: token ids, counts, a seed. `-0` is none. */
function isShortInteger(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > exactCharsMax) return false;
  const first = bytes[start] === minus ? start + 1 : start;
  if (first > start && (first === end || bytes[first] === zero)) return false;
  for (let at = first; at < end; at++) if (numeric[bytes[at] ?? 0] !== 1) return false;
  return true;
}

/** Takes down a number that is no short integer, if JavaScript would write it otherwise. */
function noteNumber(
  scan: JsonScan,
  left: Pick<JsonBounds, "fractions" | "digits">,
  { text: bytes, at, depth }: { text: Uint8Array; at: number; depth: number },
): void {
  if (bytes.length > left.digits) scan.passed = "digits";
  else if (left.fractions-- === 0) scan.passed = "fractions";
  if (scan.passed) return;
  const text = bytes.length > writtenCharsMax ? null : String.fromCharCode(...bytes);
  if (text !== null && String(Number(text)) === text) return;
  scan.otherwise.push(at, at + bytes.length);
  scan.isInexact ||= text === null || depth > 1 || !isSetting(text);
}

/** `1.0` and `1e-05`, as Python writes what JavaScript writes as `1` and `0.00001`. */
function isSetting(text: string): boolean {
  return text.length <= exactCharsMax && /^-?\d+(\.0|(\.\d+)?e-\d\d)$/.test(text) && !Object.is(Number(text), -0);
}
