const newline = 10;
const encoder = new TextEncoder();

/** How the events begin after which nothing of an answer comes. */
const beginnings = ["completed", "incomplete", "failed"].map((end) => encoder.encode(`event: response.${end}\n`));
const beginningMax = Math.max(...beginnings.map(({ length }) => length));

/** What of a stream may go on, and its last event, as soon as that is whole. */
export interface SplitStream {
  passed: Uint8Array[];
  final: Uint8Array | null;
  /** What comes behind it. */
  rest: Uint8Array | null;
}

/**
 * Finds the last event of a stream of the Responses API. Everything before it may go on at once, but for the beginning
 * of a line that may yet turn out to be its first; JSON has no line breaks, so a line that begins so is that event's.
 */
export class FinalEventFinder {
  /** What is held back: the beginning of a line, or what has come of the last event. */
  #held: Uint8Array = new Uint8Array();
  #isFinal = false;
  #isInLine = false;

  /** Takes the next bytes. After the last event was given back nobody has to ask any more. */
  push(chunk: Uint8Array): SplitStream {
    const bytes = join(this.#held, chunk);
    this.#held = new Uint8Array();
    if (this.#isFinal) return this.#cutFinal([], bytes);
    let start = 0;
    for (;;) {
      if (!this.#isInLine) {
        const line = bytes.subarray(start, start + beginningMax);
        if (beginnings.some((beginning) => startsWith(line, beginning))) {
          this.#isFinal = true;
          return this.#cutFinal(start === 0 ? [] : [bytes.subarray(0, start)], bytes.subarray(start));
        }
        if (beginnings.some((beginning) => startsWith(beginning, line))) break;
        this.#isInLine = true;
      }
      const end = bytes.indexOf(newline, start);
      if (end === -1) return { passed: [bytes], final: null, rest: null };
      this.#isInLine = false;
      start = end + 1;
    }
    this.#held = bytes.slice(start);
    return { passed: start === 0 ? [] : [bytes.subarray(0, start)], final: null, rest: null };
  }

  /** What is held back when the stream ends without such an event, or within it. */
  end(): Uint8Array {
    return this.#held;
  }

  #cutFinal(passed: Uint8Array[], bytes: Uint8Array): SplitStream {
    const end = findBlankLine(bytes);
    if (end !== -1) return { passed, final: bytes.slice(0, end), rest: bytes.slice(end) };
    this.#held = bytes;
    return { passed, final: null, rest: null };
  }
}

/** The position behind the blank line that ends an event; -1 where none has come. */
function findBlankLine(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1))
    if (bytes[at + 1] === newline) return at + 2;
  return -1;
}

function startsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return bytes.length >= beginning.length && beginning.every((byte, at) => bytes[at] === byte);
}

function join(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
