/**
 * A tokenizer with no tables: every id is arithmetic over what it stands for, so it is exact, reversible and needs no
 * memory. It behaves like the byte-level BPE of Qwen2.5: words are a few bytes a token, a leading space belongs to the
 * word, a digit is a token of its own, an emoji is split over two tokens, and a text never has more tokens than UTF-8
 * bytes.
 */
const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] as const;
const specialBase = 256;
const pairBase = 1_000;
const pointBase = pairBase + 0x1_0000;
const wordBase = pointBase + 0x1_0000;
const lettersMax = 6;

/** How many words of 1 to 6 letters there are, and how many are shorter than a given length. */
const shorterWords = [0, 0, 26, 702, 18_278, 475_254, 12_356_630];
const wordCount = 321_272_406;
const cases = 3;

/** The id of `<|endoftext|>`. */
export const endOfText = specialBase;
/** The id of `<|im_start|>`. */
export const imStart = specialBase + 1;
/** The id of `<|im_end|>`. */
export const imEnd = specialBase + 2;
/** The longest token, `<|endoftext|>`. */
export const tokenCharsMax = 13;
/** Ids from here on mean nothing. */
export const vocabularySize = wordBase + 2 * cases * wordCount;

const piece = /<\|endoftext\|>|<\|im_start\|>|<\|im_end\|>| ?[A-Z]{2,6}| ?[A-Z][a-z]{0,5}| ?[a-z]{1,6}|[\s\S]/gu;

/** The token ids of a text. Lone surrogates count as U+FFFD, as they do in UTF-8. */
export function tokenize(text: string): number[] {
  const tokens: number[] = [];
  for (const [match] of text.toWellFormed().matchAll(piece)) {
    const code = match.codePointAt(0) ?? 0;
    const letter = code === 0x20 ? match.charCodeAt(1) : code;
    if (isLetter(letter)) tokens.push(wordId(match));
    else if (match.length > 2) tokens.push(specialBase + specials.findIndex((special) => special === match));
    else if (code < 0x80) tokens.push(code);
    else if (code < 0x1_0000) tokens.push(pointBase + code);
    else tokens.push(...emojiIds(match));
  }
  return tokens;
}

/**
 * The text of token ids; bytes that are not UTF-8 come out as U+FFFD. Throws `RangeError` for an id beyond the
 * vocabulary.
 */
export function detokenize(tokens: readonly number[]): string {
  const decoder = new Detokenizer();
  let text = "";
  for (const token of tokens) text += decoder.push(token);
  return text + decoder.flush();
}

/** Decodes token by token, and holds back a character until its last byte has come. */
export class Detokenizer {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isHolding = false;

  /** The text that this token completes; empty while a character is unfinished. */
  push(token: number): string {
    const whole = wholeText(token);
    if (whole !== null) return this.#isHolding ? this.flush() + whole : whole;
    this.#isHolding = true;
    return this.#decoder.decode(fragmentBytes(token), { stream: true });
  }

  /** What is left of an unfinished character: U+FFFD or nothing. */
  flush(): string {
    if (!this.#isHolding) return "";
    this.#isHolding = false;
    return this.#decoder.decode();
  }
}

/** A token's bytes, as `logprobs[].bytes` lists them. */
export function tokenBytes(token: number): number[] {
  const whole = wholeText(token);
  return [...(whole === null ? fragmentBytes(token) : new TextEncoder().encode(whole))];
}

/** A token's text alone: U+FFFD where it is a part of a character. */
export const tokenText = (token: number): string => detokenize([token]);

function wholeText(token: number): string | null {
  if (!Number.isInteger(token) || token < 0 || token >= vocabularySize)
    throw new RangeError(`Token id ${token} is out of vocabulary`);
  if (token >= wordBase) return wordText(token - wordBase);
  if (token >= pointBase) return String.fromCharCode(token - pointBase).toWellFormed();
  if (token >= pairBase) return null;
  if (token >= specialBase) return specials[token - specialBase] ?? "";
  return token < 0x80 ? String.fromCharCode(token) : null;
}

function fragmentBytes(token: number): Uint8Array {
  if (token < pairBase) return Uint8Array.of(token);
  const pair = token - pairBase;
  return Uint8Array.of(pair >> 8, pair & 0xff);
}

const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);

/** Four bytes as two pairs. */
function emojiIds(character: string): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = new TextEncoder().encode(character);
  return [pairBase + (a << 8) + b, pairBase + (c << 8) + d];
}

function wordId(match: string): number {
  const hasSpace = match.charCodeAt(0) === 0x20;
  const word = hasSpace ? match.slice(1) : match;
  const isUpper = (at: number) => word.charCodeAt(at) < 0x61;
  const style = !isUpper(0) ? 0 : word.length > 1 && isUpper(1) ? 2 : 1;
  let value = 0;
  for (let at = 0; at < word.length; at++) value = value * 26 + ((word.charCodeAt(at) | 0x20) - 0x61);
  return wordBase + ((hasSpace ? cases : 0) + style) * wordCount + (shorterWords[word.length] ?? 0) + value;
}

function wordText(id: number): string {
  const variant = Math.floor(id / wordCount);
  const rank = id % wordCount;
  let length = lettersMax;
  while (length > 1 && rank < (shorterWords[length] ?? 0)) length--;
  let value = rank - (shorterWords[length] ?? 0);
  let word = "";
  for (let at = 0; at < length; at++) {
    word = String.fromCharCode(0x61 + (value % 26)) + word;
    value = Math.floor(value / 26);
  }
  const style = variant % cases;
  if (style === 1) word = word.charAt(0).toUpperCase() + word.slice(1);
  if (style === 2) word = word.toUpperCase();
  return variant >= cases ? ` ${word}` : word;
}
