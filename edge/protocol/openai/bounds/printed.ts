import type { NormalForm } from "../../../agreements/records/model.ts";
import { measureCharacter } from "./text.ts";

/** The deepest indentation of a template that prints JSON over several lines, in blanks a level. */
export const indentMax = 4;

/** Templates that write members as tags, `<parameter=name>…</parameter>`, need this much more than `"name": `. */
const tagTokens = 8;
/** An escaped `<` or Chinese character, `\u4e2d`; two of them beyond the first plane. */
const escapeBytes = 6;
/** The text's own escapes, printed as they came in JSON of JSON: `\\\"`, `\\u4e2d`. */
const shortEscapeBytes = 4;
const longEscapeBytes = 7;
/** Python writes `1e15` as `1000000000000000.0`; no float takes it more than 24 characters, and Go 26. */
const exponentBytes = 26;
/** What a float without an exponent may grow by: it never gets more digits than were sent, but an exponent. */
const pointBytes = 6;

const [quote, backslash, comma, colon, point, letterU] = [34, 92, 44, 58, 46, 117];
const [openBracket, closeBracket, openBrace, closeBrace] = [91, 93, 123, 125];
const [upperE, lowerE] = [69, 101];
const hex = /^[\da-f]{4}$/i;

/** What ASCII takes inside a string: templates that make their JSON fit for HTML escape four more than Python does. */
const inText = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  if (unit < 0x20 || unit === 0x7f || "<>&'".includes(character)) return escapeBytes;
  return unit === quote || unit === backslash ? 2 : 1;
});
const shortEscapes: ReadonlySet<number> = new Set(Array.from('"\\/bfnrt', (character) => character.charCodeAt(0)));

/**
 * Returns an upper bound, in tokens, of what a template may print of a value, given as JSON text: parsed by the
 * engine and written anew, with blanks, escapes and Python's floats, over several lines if `indent` is not 0; or the
 * text itself, as a string. One pass without parsing, so that text which is no JSON has a bound as well.
 */
export function boundPrinted(json: string, form: NormalForm, indent = 0): number {
  // The quotes around it, where it is printed as a string.
  let tokens = 2;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit > 0x7f) {
      const codePoint = json.codePointAt(at) ?? 0;
      const units = codePoint > 0xffff ? 2 : 1;
      tokens += Math.max(units * escapeBytes, measureCharacter(codePoint, form));
      at += units - 1;
      continue;
    }
    tokens += inText[unit] ?? 0;
    if (unit === quote) isText = !isText;
    else if (isText) {
      if (unit !== backslash) continue;
      const next = json.charCodeAt(at + 1);
      if (shortEscapes.has(next)) {
        tokens += shortEscapeBytes - 2;
        at++;
      } else if (next === letterU && hex.test(json.slice(at + 2, at + 6))) {
        tokens += measureLongEscape(json.slice(at + 2, at + 6), form) - 2;
        at += 5;
      }
    } else if (unit === comma) tokens += 1 + indent * depth;
    else if (unit === colon) tokens += 1 + tagTokens;
    else if (unit === openBracket || unit === openBrace) tokens += 1 + indent * ++depth;
    else if (unit === closeBracket || unit === closeBrace) tokens += 1 + indent * (depth = Math.max(0, depth - 1));
    else if (unit === point) tokens += pointBytes;
    else if ((unit === lowerE || unit === upperE) && isDigit(json.charCodeAt(at - 1))) tokens += exponentBytes;
  }
  return tokens;
}

/** Half of a pair counts as a character of its own: two of them are no less than any beyond the first plane. */
function measureLongEscape(digits: string, form: NormalForm): number {
  return Math.max(longEscapeBytes, measureCharacter(Number.parseInt(digits, 16), form));
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}
