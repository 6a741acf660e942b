/** An answer that is no HTTP/1.1, or larger where it may not be. `code` is for the log. */
export class WireError extends Error {
  readonly code: string;

  constructor(code: "bad_head" | "bad_length" | "bad_chunk") {
    super(code);
    this.code = code;
  }
}

/** Status and fields of an answer: names in lower case, values that came under one name joined by ", ". */
export interface AnswerHead {
  status: number;
  fields: ReadonlyMap<string, string>;
}

/** Told of one answer: its head, what each read brought of its body, its end. */
export interface AnswerParts {
  head(head: AnswerHead): void;
  body(text: string): void;
  end(): void;
}

const headCharsMax = 64 * 1024;
const lineCharsMax = 1_024;
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;
const fieldLine = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\r\n\0]*)$/;
const chunkSize = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n\0]*)?$/;

/**
 * Reads one answer from a connection (RFC 9112): a body by Content-Length, chunked, until the connection closes, or
 * none. Text is Latin-1, one character a byte. Everything that one read brings of a body is told at once. It is here
 * because Node's own client takes twice as long for a token (docs/decisions/0010); it accepts less: no other coding
 * than chunked, no folded lines, no bare line feeds.
 */
export class AnswerReader {
  /** Nothing was heard yet: whatever broke, the engine may not even have read the request. */
  hasBegun = false;
  /** Once the answer is over: may the connection carry another? */
  isReusable = false;
  isOver = false;
  #parts: AnswerParts;
  #next: "head" | "body" | "size" | "chunk" | "line" | "trailer" = "head";
  #text = "";
  #at = 0;
  /** Characters of body that are still to come: of all of it, or of this chunk. */
  #left = 0;
  #body = "";

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** Throws a WireError when it is no answer; whatever comes behind an answer makes the connection useless. */
  push(text: string): void {
    this.hasBegun = true;
    this.#text = this.#at < this.#text.length ? this.#text.slice(this.#at) + text : text;
    this.#at = 0;
    while (!this.isOver && this.#step()) continue;
    const body = this.#body;
    this.#body = "";
    if (body !== "") this.#parts.body(body);
    if (!this.isOver) return;
    if (this.#at < this.#text.length) this.isReusable = false;
    this.#parts.end();
  }

  /** The peer has ended its half. True when that is how this answer was to end. */
  finish(): boolean {
    if (this.isOver || this.#next !== "body" || this.#left !== Infinity) return false;
    this.isOver = true;
    this.#parts.end();
    return true;
  }

  /** Takes the next piece; false: more must come first. */
  #step(): boolean {
    switch (this.#next) {
      case "head":
        return this.#takeHead();
      case "body":
      case "chunk":
        return this.#takeBody();
      case "size":
        return this.#takeSize();
      case "line":
        return this.#takeLineEnd();
      case "trailer":
        return this.#takeTrailer();
    }
  }

  #takeHead(): boolean {
    const end = this.#text.indexOf("\r\n\r\n", this.#at);
    if ((end < 0 ? this.#text.length : end) - this.#at > headCharsMax) throw new WireError("bad_head");
    if (end < 0) return false;
    const [first = "", ...lines] = this.#text.slice(this.#at, end).split("\r\n");
    const start = statusLine.exec(first);
    if (!start) throw new WireError("bad_head");
    this.#at = end + 4;
    const status = Number(start[2]);
    // Interim answers (100, 103) announce the real one.
    if (status < 200) return true;
    const fields = readFields(lines);
    this.#left = lengthOf(status, fields);
    const isChunked = Number.isNaN(this.#left);
    this.#next = isChunked ? "size" : "body";
    const isClosing = /\bclose\b/i.test(fields.get("connection") ?? "") || (isChunked && fields.has("content-length"));
    this.isReusable = start[1] === "1" && this.#left !== Infinity && !isClosing;
    this.#parts.head({ status, fields });
    this.isOver = this.#left === 0;
    return true;
  }

  #takeBody(): boolean {
    const there = this.#text.length - this.#at;
    if (there === 0) return false;
    const taken = Math.min(there, this.#left);
    this.#body += this.#text.slice(this.#at, this.#at + taken);
    this.#at += taken;
    this.#left -= taken;
    if (this.#left > 0) return false;
    if (this.#next === "body") this.isOver = true;
    else this.#next = "line";
    return true;
  }

  #takeSize(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    const size = chunkSize.exec(line)?.[1];
    if (size === undefined) throw new WireError("bad_chunk");
    this.#left = Number.parseInt(size, 16);
    this.#next = this.#left === 0 ? "trailer" : "chunk";
    return true;
  }

  #takeLineEnd(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    if (line !== "") throw new WireError("bad_chunk");
    this.#next = "size";
    return true;
  }

  /** Fields behind the last chunk mean nothing to us. */
  #takeTrailer(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    this.isOver = line === "";
    return true;
  }

  #takeLine(): string | null {
    const end = this.#text.indexOf("\r\n", this.#at);
    if ((end < 0 ? this.#text.length : end) - this.#at > lineCharsMax) throw new WireError("bad_chunk");
    if (end < 0) return null;
    const line = this.#text.slice(this.#at, end);
    this.#at = end + 2;
    return line;
  }
}

function readFields(lines: string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = fieldLine.exec(line) ?? [];
    if (name === "") throw new WireError("bad_head");
    const key = name.toLowerCase();
    const before = fields.get(key);
    fields.set(key, before === undefined ? value.trimEnd() : `${before}, ${value.trimEnd()}`);
  }
  return fields;
}

/** How long the body is (RFC 9112 §6.3): NaN when it is chunked, Infinity when it ends with the connection. */
function lengthOf(status: number, fields: ReadonlyMap<string, string>): number {
  if (status === 204 || status === 304) return 0;
  const coding = fields.get("transfer-encoding");
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw new WireError("bad_length");
    return Number.NaN;
  }
  const length = fields.get("content-length");
  if (length === undefined) return Infinity;
  if (!/^\d{1,15}$/.test(length)) throw new WireError("bad_length");
  return Number(length);
}
