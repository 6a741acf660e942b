import type { NormalForm } from "../../../agreements/records/model.ts";
import { countUtf8Bytes } from "../../fields.ts";

/**
 * What a tokenizer may add to a text: a mark before and one after, a blank before the first word. The fourth is for
 * one that marks both ends twice.
 */
export const marksPerPrompt = 4;

/**
 * The form that takes most bytes for each normal form. It is a sum over characters, whatever stands around them, and
 * composing never makes it longer. So bounds add up: over parts that a template joins, and over the pieces into which
 * marks like `<|im_end|>` cut a text before it is normalized. The bytes of the normal form itself do not add up:
 * `á` and U+0323 are 4 bytes apart and 5 together.
 */
const longest = { NFC: "NFD", NFKC: "NFKD" } as const;

/** Where neither form makes a character longer (Hangul always composes again), and what it takes there. */
const plainFrom = 0x3400;
const plainTo = 0xdfff;
const plainBytes = 3;
/** Beyond the second plane nothing grows either. */
const farFrom = 0x20000;
const farBytes = 4;

/** What `measureCharacter` has found out, by code point; 0 is unknown. */
const weights = { NFC: new Uint8Array(farFrom), NFKC: new Uint8Array(farFrom) } as const;

/**
 * Returns an upper bound of a text in tokens, without marks. A tokenizer with bytes to fall back on never needs more
 * tokens than the bytes of what it normalizes the text to, and one without them never more than its characters.
 */
export function boundText(text: string, form: NormalForm): number {
  let tokens = text.length;
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) < 0x80) continue;
    const codePoint = text.codePointAt(at) ?? 0;
    const units = codePoint > 0xffff ? 2 : 1;
    tokens += measureCharacter(codePoint, form) - units;
    at += units - 1;
  }
  return tokens;
}

/** Returns the bytes that a character takes at most in any text, as it is or normalized; a lone surrogate takes 3. */
export function measureCharacter(codePoint: number, form: NormalForm): number {
  if (codePoint < 0x80) return 1;
  if (codePoint >= plainFrom && codePoint <= plainTo) return plainBytes;
  if (codePoint >= farFrom) return farBytes;
  const known = weights[form][codePoint];
  if (known) return known;
  const character = String.fromCodePoint(codePoint);
  const weight = Math.max(countUtf8Bytes(character), countUtf8Bytes(character.normalize(longest[form])));
  weights[form][codePoint] = weight;
  return weight;
}
