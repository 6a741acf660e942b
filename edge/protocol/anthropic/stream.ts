import type { Refusal } from "../../errors.ts";
import { streamHeaders } from "../sse.ts";
import type { StreamForm } from "../wires/wire.ts";
import { buildError } from "./errors.ts";

const encoder = new TextEncoder();

/** One event as Anthropic writes it; its type stands in the JSON too. */
export function writeEvent(event: { type: string; [member: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/**
 * The last event of a stream that failed: Anthropic's SDKs throw on it. It starts with a blank line, since the stream
 * may have broken off within a line, and what is left of that line must not take the event for its own.
 */
function encodeError(refusal: Refusal): Uint8Array {
  return encoder.encode(`\n\n${writeEvent(buildError(refusal, null))}`);
}

/** How streams of `/v1/messages` are written: server-sent events by name, `ping` among them, which SDKs skip. */
export const messagesStream: StreamForm = {
  contentType: "text/event-stream",
  headers: streamHeaders,
  waitSign: encoder.encode(writeEvent({ type: "ping" })),
  encodeError,
};
