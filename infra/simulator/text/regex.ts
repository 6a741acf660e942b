import { mix } from "./hash.ts";

type Node =
  | { kind: "text"; text: string }
  | { kind: "class"; characters: readonly string[] }
  | { kind: "sequence"; parts: readonly Node[] }
  | { kind: "choice"; options: readonly Node[] }
  | { kind: "repeat"; part: Node; min: number; max: number };

/** How often `*`, `+` and `{m,}` repeat beyond what they must. */
const spareRepeats = 3;
const repeatsMax = 1_000;
const charsMax = 20_000;

const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at));
const digits = printable.filter((char) => /\d/.test(char));
const wordChars = printable.filter((char) => /\w/.test(char));
const letters = printable.filter((char) => /[a-z]/.test(char));

const shorthands: Readonly<Record<string, readonly string[]>> = {
  d: digits,
  D: letters,
  w: letters,
  W: [" ", "-", "."],
  s: [" "],
  S: wordChars,
};
const controls: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v" };

/**
 * A text that the whole of a regular expression matches, the same one for the same `seed`. Knows literals, escapes,
 * classes, groups, alternatives and counts; throws `RangeError` for anything else (look-around, references, flags,
 * anchors in the middle) and for what is no expression at all.
 */
export function generateMatch(pattern: string, seed: number): string {
  const source = pattern.replace(/^\^/, "").replace(/(?<!\\)\$$/, "");
  const reader = new Reader(source);
  const node = reader.readChoice(0);
  if (!reader.isAtEnd) throw new RangeError("an unmatched ')'");
  const text = new Writer(seed).write(node);
  if (!new RegExp(`^(?:${source})$`, "us").test(text)) throw new RangeError(`cannot write a text for ${pattern}`);
  return text;
}

/** Reads an expression into a tree. */
class Reader {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(source: string) {
    this.#chars = Array.from(source);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#chars.length;
  }

  readChoice(depth: number): Node {
    if (depth > 64) throw new RangeError("groups nested too deep");
    const options = [this.#readSequence(depth)];
    while (this.#take("|")) options.push(this.#readSequence(depth));
    return { kind: "choice", options };
  }

  #readSequence(depth: number): Node {
    const parts: Node[] = [];
    while (!this.isAtEnd && this.#peek() !== "|" && this.#peek() !== ")") parts.push(this.#readCount(depth));
    return { kind: "sequence", parts };
  }

  #readCount(depth: number): Node {
    const part = this.#readAtom(depth);
    const bounds = this.#readBounds();
    if (!bounds) return part;
    this.#take("?");
    if (bounds.min > repeatsMax || bounds.max < bounds.min) throw new RangeError("a count out of bounds");
    return { kind: "repeat", part, ...bounds };
  }

  #readBounds(): { min: number; max: number } | null {
    if (this.#take("*")) return { min: 0, max: spareRepeats };
    if (this.#take("+")) return { min: 1, max: 1 + spareRepeats };
    if (this.#take("?")) return { min: 0, max: 1 };
    const count = /^\{(\d+)(,(\d*))?\}/.exec(this.#chars.slice(this.#at, this.#at + 16).join(""));
    if (!count) return null;
    this.#at += count[0].length;
    const min = Number(count[1]);
    if (count[2] === undefined) return { min, max: min };
    return { min, max: count[3] ? Number(count[3]) : min + spareRepeats };
  }

  #readAtom(depth: number): Node {
    const char = this.#next();
    if (char === "(") return this.#readGroup(depth);
    if (char === "[") return { kind: "class", characters: this.#readClass() };
    if (char === ".") return { kind: "class", characters: letters };
    if (char === "\\") return this.#readEscape();
    if ("*+?^$".includes(char)) throw new RangeError(`'${char}' where it is not known`);
    return { kind: "text", text: char };
  }

  #readGroup(depth: number): Node {
    if (this.#take("?") && !this.#take(":")) throw new RangeError("only plain groups and (?:…) are known");
    const inner = this.readChoice(depth + 1);
    if (!this.#take(")")) throw new RangeError("a group without an end");
    return inner;
  }

  #readEscape(): Node {
    const char = this.#next();
    const characters = shorthands[char];
    return characters ? { kind: "class", characters } : { kind: "text", text: readEscaped(char) };
  }

  #readClass(): readonly string[] {
    const isNegated = this.#take("^");
    const members = new Set<string>();
    for (let isFirst = true; isFirst || this.#peek() !== "]"; isFirst = false) {
      const from = this.#readMember();
      if (typeof from !== "string") from.forEach((char) => members.add(char));
      else if (this.#peek() === "-" && this.#chars[this.#at + 1] !== "]") this.#addRange(members, from);
      else members.add(from);
    }
    this.#next();
    const characters = isNegated ? printable.filter((char) => !members.has(char)) : [...members];
    if (characters.length === 0) throw new RangeError("a class of nothing");
    return characters;
  }

  #addRange(members: Set<string>, from: string) {
    this.#next();
    const to = this.#readMember();
    const [low, high] = [from.codePointAt(0) ?? 0, typeof to === "string" ? (to.codePointAt(0) ?? 0) : -1];
    if (high < low) throw new RangeError("a range out of order");
    for (let code = low; code <= Math.min(high, low + 200); code++) members.add(String.fromCodePoint(code));
  }

  #readMember(): string | readonly string[] {
    const char = this.#next();
    if (char !== "\\") return char;
    const escaped = this.#next();
    return shorthands[escaped] ?? readEscaped(escaped);
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new RangeError("an expression without its end");
    return char;
  }
}

function readEscaped(char: string): string {
  const control = controls[char];
  if (control !== undefined) return control;
  if (/[A-Za-z0-9]/.test(char)) throw new RangeError(`'\\${char}' is not known`);
  return char;
}

/** Writes a text of a tree. */
class Writer {
  #state: number;
  #chars = 0;

  constructor(seed: number) {
    this.#state = seed;
  }

  write(node: Node): string {
    switch (node.kind) {
      case "text":
        return this.#count(node.text);
      case "class":
        return this.#count(this.#pick(node.characters) ?? "");
      case "sequence":
        return node.parts.map((part) => this.write(part)).join("");
      case "choice":
        return this.write(this.#pick(node.options) ?? { kind: "text", text: "" });
      case "repeat": {
        const count = node.min + this.#below(Math.min(node.max - node.min, spareRepeats) + 1);
        return Array.from({ length: count }, () => this.write(node.part)).join("");
      }
    }
  }

  #count(text: string): string {
    this.#chars += text.length;
    if (this.#chars > charsMax) throw new RangeError("its texts are too long");
    return text;
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#below(items.length)];
  }

  #below(bound: number): number {
    this.#state = mix(this.#state, 13);
    return this.#state % bound;
  }
}
