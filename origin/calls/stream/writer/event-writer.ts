import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { openSocketWriter } from "./socket-writer.ts";

/** Writes a stream's body in one system call a piece. Text is Latin-1 (see sse-decoder.ts). */
export interface EventWriter {
  /** False when the caller reads slower than we write: wait for `onDrain`. */
  write(text: string): boolean;
  /** True while the caller has not caught up. */
  readonly isFull: boolean;
  /** Called when the caller has caught up. */
  onDrain: () => void;
  /** Writes the last piece and ends the body; the caller sees a body that never ends this way as cut off. */
  end(text: string): void;
}

/**
 * Frames HTTP/1.1 chunks itself (RFC 9112 §7.1) and writes them to the response's socket: on their way through the
 * response they would wait for the next tick and reach the kernel in four pieces, which costs more than all our work on
 * a token. The head must have been sent, with `transfer-encoding: chunked`.
 */
export function openEventWriter(response: ServerResponse): EventWriter {
  response.chunkedEncoding = false;
  // A caller who pipelines (none of ours does) waits for the socket: the response keeps what is written until then.
  const out: Writable = response.socket ?? response;
  const write = openSocketWriter(out);
  const drain = () => writer.onDrain();
  const frame = (text: string) => (text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`);
  const writer: EventWriter = {
    write: (text) => text === "" || write(frame(text)),
    get isFull() {
      return out.writableNeedDrain;
    },
    onDrain: () => {},
    end(text) {
      out.off("drain", drain);
      response.end(`${frame(text)}0\r\n\r\n`, "latin1");
    },
  };
  out.on("drain", drain);
  return writer;
}

/**
 * Writes nothing. Whole answers are silent on their way (comments are no JSON, and white space has its own clock), and
 * so is what comes for a caller who has left.
 */
export function openSilentWriter(): Omit<EventWriter, "end"> {
  return { write: () => true, isFull: true, onDrain: () => {} };
}
