/** An event larger than this is no event of a language model. */
const eventCharsMax = 8 * 1024 * 1024;

/** UTF-8's, read as Latin-1. */
const byteOrderMark = "\xef\xbb\xbf";

/** Thrown when an event does not end. */
export class EventTooLarge extends Error {}

/**
 * Cuts an SSE byte stream into the payloads of its `data` fields (WHATWG HTML §9.2.6), wherever the bytes were split.
 * Text is Latin-1: one character a byte, so no character of UTF-8 can be torn, and what goes out again is what came in.
 * Comments and other fields are dropped. As the standard says, an event with an empty `data` field is one, with an
 * empty payload, and an event without any is none.
 */
export class SseDecoder {
  #rest = "";
  #isAfterCr = false;
  #hasStarted = false;

  /** The payloads that `read` completes. */
  push(read: string): string[] {
    if (this.#hasStarted && this.#rest === "" && !this.#isAfterCr && isOnlyEvent(read)) return [read.slice(6, -2)];
    let text = read;
    if (this.#isAfterCr || text.includes("\r")) text = this.#normalizeLineEnds(text);
    if (this.#rest !== "") text = this.#rest + text;
    if (!this.#hasStarted) text = this.#dropByteOrderMark(text);
    const payloads: string[] = [];
    let from = 0;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n", from)) {
      const payload = readPayload(text.slice(from, end));
      if (payload !== null) payloads.push(payload);
      from = end + 2;
    }
    if (this.#hasStarted) this.#rest = from === 0 ? text : text.slice(from);
    if (this.#rest.length > eventCharsMax) throw new EventTooLarge();
    return payloads;
  }

  /**
   * What stood at the end without its blank line. An event cut short is never one; only the caller knows whether it is
   * a whole `[DONE]`.
   */
  finish(): string | null {
    return readPayload(this.#rest);
  }

  /** Lines may end in CRLF or CR: all become LF, also when a CRLF is split between two reads. */
  #normalizeLineEnds(text: string): string {
    const whole = this.#isAfterCr && text.startsWith("\n") ? text.slice(1) : text;
    this.#isAfterCr = text.endsWith("\r");
    return whole.replace(/\r\n?/g, "\n");
  }

  /** A byte order mark may open the stream. Until it is whole, or something else has come, the text waits. */
  #dropByteOrderMark(text: string): string {
    if (byteOrderMark.startsWith(text)) {
      this.#rest = text;
      return "";
    }
    this.#hasStarted = true;
    return text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text;
  }
}

/** What most reads bring: one event, whole, of one line. */
function isOnlyEvent(text: string): boolean {
  return (
    text.startsWith("data: ") && text.indexOf("\n") === text.length - 2 && text.endsWith("\n") && !text.includes("\r")
  );
}

function readPayload(block: string): string | null {
  if (block.startsWith("data: ") && !block.includes("\n")) return block.slice(6);
  let payload: string | null = null;
  for (const line of block.split("\n")) {
    if (!line.startsWith("data:") && line !== "data") continue;
    const value = line.slice(line.startsWith("data: ") ? 6 : 5);
    payload = payload === null ? value : `${payload}\n${value}`;
  }
  return payload;
}
