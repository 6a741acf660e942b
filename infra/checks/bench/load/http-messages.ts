/** Receives a message in this order: its head (start line and fields), its body in pieces, its end. */
export interface MessageParts {
  head(text: string): void;
  body(bytes: Buffer): void;
  end(): void;
}

const nothing = Buffer.alloc(0);
const headEnd = Buffer.from("\r\n\r\n");
const lineEnd = Buffer.from("\r\n");

/**
 * Reads HTTP/1.1 messages from one connection (RFC 9112): requests and responses with Content-Length, chunked, or
 * without a body. It is this small because a load generator must cost less than what it measures; it trusts its peer,
 * and throws on a chunk size that is not a number.
 */
export class MessageReader {
  readonly #parts: MessageParts;
  #rest: Buffer = nothing;
  #state: "head" | "body" | "size" | "chunk" | "trailer" = "head";
  #bytesLeft = 0;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  /** True when no message is half read. */
  get isBetween(): boolean {
    return this.#state === "head" && this.#rest.length === 0;
  }

  push(bytes: Buffer): void {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let taken = this.#step(all); taken > 0; taken = this.#step(all)) all = all.subarray(taken);
    this.#rest = all;
  }

  /** Consumes what it can from the front; returns 0 when it needs more. */
  #step(all: Buffer): number {
    if (all.length === 0) return 0;
    switch (this.#state) {
      case "head":
        return this.#takeHead(all);
      case "body":
      case "chunk":
        return this.#takeBytes(all);
      case "size":
        return this.#takeSize(all);
      case "trailer":
        if (all.length < lineEnd.length) return 0;
        this.#finish();
        return lineEnd.length;
    }
  }

  #takeHead(all: Buffer): number {
    const end = all.indexOf(headEnd);
    if (end < 0) return 0;
    const text = all.toString("latin1", 0, end);
    this.#bytesLeft = Number(findField(text, "content-length") ?? 0);
    this.#state = /^chunked$/i.test(findField(text, "transfer-encoding") ?? "") ? "size" : "body";
    this.#parts.head(text);
    if (this.#state === "body" && this.#bytesLeft === 0) this.#finish();
    return end + headEnd.length;
  }

  #takeBytes(all: Buffer): number {
    const isChunk = this.#state === "chunk";
    if (isChunk && this.#bytesLeft === 0) {
      if (all.length < lineEnd.length) return 0;
      this.#state = "size";
      return lineEnd.length;
    }
    const taken = Math.min(all.length, this.#bytesLeft);
    this.#bytesLeft -= taken;
    this.#parts.body(all.subarray(0, taken));
    if (!isChunk && this.#bytesLeft === 0) this.#finish();
    return taken;
  }

  #takeSize(all: Buffer): number {
    const end = all.indexOf(lineEnd);
    if (end < 0) return 0;
    this.#bytesLeft = Number.parseInt(all.toString("latin1", 0, end), 16);
    if (Number.isNaN(this.#bytesLeft)) throw new RangeError("a chunk without a size");
    this.#state = this.#bytesLeft === 0 ? "trailer" : "chunk";
    return end + lineEnd.length;
  }

  #finish(): void {
    this.#state = "head";
    this.#parts.end();
  }
}

/** A field of a head from `MessageReader`, by its lower-case name; null when it is absent. */
export function findField(head: string, name: string): string | null {
  const lower = head.toLowerCase();
  const at = lower.indexOf(`\r\n${name}:`);
  if (at < 0) return null;
  const from = at + name.length + 3;
  const to = head.indexOf("\r\n", from);
  return head.slice(from, to < 0 ? undefined : to).trim();
}

/** The status of a response's head; NaN for a request's. */
export function readStatus(head: string): number {
  return Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
}

/** A POST as bytes, for a connection that is kept alive. */
export function writePost(path: string, bearer: string, body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body);
  const head =
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${bearer}\r\n` +
    `content-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}
