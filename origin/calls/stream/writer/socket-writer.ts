import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { TLSSocket } from "node:tls";

/** Writes Latin-1 text to one stream. False when its reader does not keep up: wait for its `drain`. */
export type WriteText = (text: string) => boolean;

/** What is read of a socket's private handle: `fd` is -1 once it is closed. */
interface TcpHandle {
  readonly fd: number;
}

/**
 * Hands text to the kernel by the socket's file descriptor: no request object, callback and tick for each token. Only
 * while the stream has nothing to send itself, so the order stays; what the kernel does not take, the stream sends and
 * counts, so back-pressure is the stream's own. What fails is tried again by the stream, which reports it in its way.
 * All else than a plain TCP socket is written to as any stream is, and so is one that does not show its descriptor:
 * this name is no promise of Node's (event-writer.internals.test.ts).
 */
export function openSocketWriter(out: Writable): WriteText {
  const handle = findTcpHandle(out);
  if (!handle) return (text) => out.write(text, "latin1");
  return (text) => {
    const isFree = out.writableLength === 0 && out.writable && readHandle(out) === handle;
    const sent = isFree ? send(handle.fd, text) : 0;
    return sent === text.length || out.write(sent === 0 ? text : text.slice(sent), "latin1");
  };
}

/** No promise of Node's: socket-writer.test.ts sees when it goes. */
const handleName = "_handle";

/** How many bytes the kernel took; 0 when it took none for now (EAGAIN), or never will. */
function send(fd: number, text: string): number {
  // A closed descriptor's number may be another caller's socket by now.
  if (fd < 0) return 0;
  try {
    return writeSync(fd, text, null, "latin1");
  } catch {
    return 0;
  }
}

function readHandle(out: Writable): unknown {
  return handleName in out ? out[handleName] : null;
}

function findTcpHandle(out: Writable): TcpHandle | null {
  const handle = out instanceof Socket && !(out instanceof TLSSocket) ? readHandle(out) : null;
  return isTcpHandle(handle) ? handle : null;
}

function isTcpHandle(handle: unknown): handle is TcpHandle {
  if (typeof handle !== "object" || handle === null || handle.constructor.name !== "TCP") return false;
  return "fd" in handle && typeof handle.fd === "number";
}
