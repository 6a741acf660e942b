import type { ServerResponse } from "node:http";

/** Writes a stream's body in one system call a piece. Text is Latin-1 (frames.ts). */
export interface EventWriter {
  /** False when the caller reads slower than we write: wait for `drain`. */
  write(text: string): boolean;
  /** Writes the last piece and ends the body; a body that is never ended so is seen as cut. */
  end(text: string): void;
}

/**
 * Frames HTTP/1.1 chunks itself (RFC 9112 §7.1): Node hands the kernel four pieces for each, and that costs more than all our work on a token. The head
 * must have been sent, with `transfer-encoding: chunked`.
 */
export function openEventWriter(response: ServerResponse): EventWriter {
  response.chunkedEncoding = false;
  const frame = (text: string) => (text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`);
  return {
    write: (text) => response.write(frame(text), "latin1"),
    end: (text) => void response.end(`${frame(text)}0\r\n\r\n`, "latin1"),
  };
}
