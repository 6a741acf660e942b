declare global {
  /** What V8 has since 11.4, and TypeScript's library does not know yet. */
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/** The same for its parser, which shows a reviver the text of each value. */
interface SourceParser {
  parse(text: string, revive: (name: string, value: unknown, context?: { source?: string }) => unknown): unknown;
}
const parser: SourceParser = JSON;

/** Longer numbers have no use, and their digits would pass every bound on what an engine has to read. */
export const numberCharsMax = 256;

/** What a look at JSON text's bytes shows, before a parser sees them. */
export interface JsonScan {
  /** How deep it is nested; a scalar is 0. No further than the bound that was given. */
  depth: number;
  /** It has a number that JavaScript would write otherwise than it was sent. */
  isInexact: boolean;
}

/**
 * Looks once over JSON text: how deep it is nested, up to `depthMax`, and whether it has a number that JavaScript would
 * write otherwise: `1.10`, `-0`, `1e400`, an integer beyond 2^53. Skips strings, so the usual body costs next to
 * nothing. A plain `1.0` among the body's own members does not count: SDKs for Python send it for settings, whose value
 * stays the same. For malformed text the result means nothing; the parser refuses it.
 */
export function scanJson(bytes: Uint8Array, depthMax: number): JsonScan {
  let depth = 0;
  let deepest = 0;
  let isInexact = false;
  for (let at = 0; at < bytes.length && deepest < depthMax; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) at = findStringEnd(bytes, at);
    else if (byte === openBracket || byte === openBrace) deepest = Math.max(deepest, ++depth);
    else if (byte === closeBracket || byte === closeBrace) depth--;
    else if (!isInexact && (byte === minus || isDigit(byte))) {
      const end = findNumberEnd(bytes, at);
      isInexact = !isShortInteger(bytes, at, end) && isWrittenOtherwise(bytes, at, end, depth);
      at = end - 1;
    }
  }
  return { depth: deepest, isInexact };
}

/** Tells whether JSON text has a number that JavaScript would write otherwise than it was sent (`scanJson`). */
export function hasInexactNumber(bytes: Uint8Array): boolean {
  return scanJson(bytes, Number.POSITIVE_INFINITY).isInexact;
}

/**
 * Parses JSON text as `JSON.parse` does, but for numbers that JavaScript would write otherwise: those become raw JSON,
 * which `JSON.stringify` writes as it came and nothing else can read. Throws RangeError for a number of more than 256
 * characters.
 */
export function parseExact(text: string): unknown {
  return parser.parse(text, (_name, value, context) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined || String(value) === source) return value;
    if (source.length > numberCharsMax) throw new RangeError("a number is too long");
    return JSON.rawJSON(source);
  });
}

/** Tells what `parseExact` has left as text from an object. */
export function isRawNumber(value: unknown): boolean {
  return JSON.isRawJSON(value);
}

/** The index of the quote that ends the string which starts at `start`; the end of the bytes if there is none. */
export function findStringEnd(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at !== -1; at = bytes.indexOf(quote, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return bytes.length;
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [34, 92, 91, 93, 123, 125];
const [plus, minus, point, zero, nine] = [43, 45, 46, 48, 57];
const [upperE, lowerE] = [69, 101];

/** An integer of so many characters is exact in a double, its sign included. */
const exactCharsMax = 15;

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

function findNumberEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const isPart = isDigit(byte) || byte === point || byte === lowerE || byte === upperE;
    if (!isPart && byte !== minus && byte !== plus) break;
  }
  return at;
}

/** What nearly all numbers are: token ids, counts, a seed. `-0` is none. */
function isShortInteger(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > exactCharsMax || bytes[start] === minus) return false;
  for (let at = start; at < end; at++) if (!isDigit(bytes[at] ?? 0)) return false;
  return true;
}

function isWrittenOtherwise(bytes: Uint8Array, start: number, end: number, depth: number): boolean {
  if (end - start > numberCharsMax) return true;
  const text = String.fromCharCode(...bytes.subarray(start, end));
  if (String(Number(text)) === text) return false;
  const isSetting = depth <= 1 && text.length <= exactCharsMax && /^-?\d+\.0$/.test(text) && text !== "-0.0";
  return !isSetting;
}
