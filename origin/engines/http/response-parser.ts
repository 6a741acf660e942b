/** An answer that is not HTTP/1.1, or is larger than it may be. `code` is for the log. */
export class ResponseParseError extends Error {
  readonly code: string;

  constructor(code: "bad_head" | "bad_length" | "bad_chunk") {
    super(code);
    this.code = code;
  }
}

/** Status and fields of an answer: names in lower case, values that came under one name joined by ", ". */
export interface ResponseHead {
  status: number;
  fields: ReadonlyMap<string, string>;
}

/** Receives one answer: its head, what each read brought of its body, its end. */
export interface ResponseListener {
  head(head: ResponseHead): void;
  body(text: string): void;
  end(): void;
}

const headCharsMax = 64 * 1024;
const lineCharsMax = 1_024;
const trailersMax = 64;
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;
const closes = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
const token = "[!#$%&'*+.^_`|~\\w-]+";
const fieldLine = new RegExp(`^(${token}):([\\t -~\\x80-\\xff]*)$`);
const chunkSize = new RegExp(`^([0-9A-Fa-f]{1,12})(?:;${token}(?:=(?:${token}|"[ !#-[\\]-~\\x80-\\xff]*"))?)*$`);

/**
 * Reads one answer from a connection (RFC 9112): a body by Content-Length, chunked, until the connection closes, or
 * none. Text is Latin-1, one character a byte. Everything that one read brings of a body is passed on in one piece. It
 * is here because a token costs more through Node's own client, or undici's (docs/decisions/0010). It accepts less than
 * Node does, and never reads differently what both accept (response-parser.twin.test.ts).
 */
export class ResponseParser {
  /** False while nothing has come: whatever broke, the engine may not even have read the request. */
  hasBegun = false;
  /** Once the answer has ended: whether the connection may carry another. */
  isReusable = false;
  hasEnded = false;
  #parts: ResponseListener;
  #next: "head" | "body" | "size" | "chunk" | "line" | "trailer" = "head";
  #text = "";
  #at = 0;
  /** Characters of body that are still to come: of all of it, or of this chunk. */
  #left = 0;
  #body = "";
  #trailers = 0;

  constructor(parts: ResponseListener) {
    this.#parts = parts;
  }

  /** Throws when it is no answer. Whatever comes behind an answer makes the connection useless. */
  push(text: string): void {
    this.hasBegun = true;
    const chunk = this.#next === "size" && this.#at === this.#text.length ? readOnlyChunk(text) : "";
    if (chunk !== "") return this.#parts.body(chunk);
    this.#text = this.#at < this.#text.length ? this.#text.slice(this.#at) + text : text;
    this.#at = 0;
    while (!this.hasEnded && this.#step()) continue;
    const body = this.#body;
    this.#body = "";
    if (body !== "") this.#parts.body(body);
    if (!this.hasEnded) return;
    if (this.#at < this.#text.length) this.isReusable = false;
    this.#parts.end();
  }

  /** The engine has ended its half. True when that is how this answer was to end. */
  finish(): boolean {
    if (this.hasEnded || this.#next !== "body" || this.#left !== Infinity) return false;
    this.hasEnded = true;
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
    if ((end < 0 ? this.#text.length : end) - this.#at > headCharsMax) throw new ResponseParseError("bad_head");
    if (end < 0) return false;
    const [first = "", ...lines] = this.#text.slice(this.#at, end).split("\r\n");
    const start = statusLine.exec(first);
    if (!start) throw new ResponseParseError("bad_head");
    this.#at = end + 4;
    const status = Number(start[2]);
    const fields = readFields(lines);
    const length = readLength(status, fields);
    const isClosing = start[1] === "0" || closes.test(fields.get("connection") ?? "");
    // Interim answers (103) announce the real one; another protocol (101) or an end they cannot.
    if (status === 101 || (status < 200 && isClosing)) throw new ResponseParseError("bad_head");
    if (status < 200) return true;
    this.#left = length;
    this.#next = Number.isNaN(length) ? "size" : "body";
    this.isReusable = length !== Infinity && !isClosing && !(length === 0 && announcesBody(fields));
    this.#parts.head({ status, fields });
    this.hasEnded = this.#left === 0;
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
    if (this.#next === "body") this.hasEnded = true;
    else this.#next = "line";
    return true;
  }

  #takeSize(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    const size = chunkSize.exec(line)?.[1];
    if (size === undefined) throw new ResponseParseError("bad_chunk");
    this.#left = Number.parseInt(size, 16);
    this.#next = this.#left === 0 ? "trailer" : "chunk";
    return true;
  }

  #takeLineEnd(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    if (line !== "") throw new ResponseParseError("bad_chunk");
    this.#next = "size";
    return true;
  }

  /** Fields behind the last chunk mean nothing to us, but fields they must be. */
  #takeTrailer(): boolean {
    const line = this.#takeLine();
    if (line === null) return false;
    this.hasEnded = line === "";
    if (this.hasEnded) return true;
    readFields([line]);
    if (++this.#trailers > trailersMax) throw new ResponseParseError("bad_head");
    return true;
  }

  #takeLine(): string | null {
    const end = this.#text.indexOf("\r\n", this.#at);
    if ((end < 0 ? this.#text.length : end) - this.#at > lineCharsMax) throw new ResponseParseError("bad_chunk");
    if (end < 0) return null;
    const line = this.#text.slice(this.#at, end);
    this.#at = end + 2;
    return line;
  }
}

/** What most reads of a stream bring: one chunk, whole, without extensions. Its body; "" for anything else. */
function readOnlyChunk(text: string): string {
  let size = 0;
  let at = 0;
  for (let digit = readHexDigit(text, 0); digit >= 0 && at < 6; digit = readHexDigit(text, at)) {
    size = size * 16 + digit;
    at++;
  }
  const isOnly = at > 0 && text.length === at + size + 4 && isLineEnd(text, at) && isLineEnd(text, at + 2 + size);
  return isOnly ? text.slice(at + 2, at + 2 + size) : "";
}

function isLineEnd(text: string, at: number): boolean {
  return text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10;
}

/** -1 for what is no hexadecimal digit. */
function readHexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function readFields(lines: string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = fieldLine.exec(line) ?? [];
    if (name === "") throw new ResponseParseError("bad_head");
    const key = name.toLowerCase();
    const before = fields.get(key);
    const own = trimSpaces(value);
    fields.set(key, before === undefined ? own : `${before}, ${own}`);
  }
  return fields;
}

/** Spaces and tabs alone: a no-break space is a character of the value, and `trim` would take it. */
function trimSpaces(text: string): string {
  const isSpace = (at: number) => text[at] === " " || text[at] === "\t";
  let from = 0;
  let end = text.length;
  while (isSpace(from)) from++;
  while (end > from && isSpace(end - 1)) end--;
  return text.slice(from, end);
}

/** A 204 or 304 that announces a body all the same may send one, which would be taken for the next answer. */
function announcesBody(fields: ReadonlyMap<string, string>): boolean {
  return fields.has("transfer-encoding") || Number(fields.get("content-length") ?? 0) > 0;
}

/**
 * How long the body is (RFC 9112 §6.3): NaN when it is chunked, Infinity when it ends with the connection. Two fields
 * that say it differently, and a coding that nobody asked for, are refused.
 */
function readLength(status: number, fields: ReadonlyMap<string, string>): number {
  const coding = fields.get("transfer-encoding");
  const length = fields.get("content-length");
  if (coding !== undefined && (length !== undefined || coding.toLowerCase() !== "chunked"))
    throw new ResponseParseError("bad_length");
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new ResponseParseError("bad_length");
  if (status === 204 || status === 304) return 0;
  if (coding !== undefined) return Number.NaN;
  return length === undefined ? Infinity : Number(length);
}
