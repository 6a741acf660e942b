import { buildErrorBody, type Refusal } from "../errors.ts";

const encoder = new TextEncoder();

/**
 * A comment keeps the connection open and every SDK ignores it; `id:`, `retry:` and an empty `data:` break some SDKs.
 */
export const waitComment = encoder.encode(": wait\n\n");

/**
 * Encodes the last event of a stream that failed: OpenAI's SDKs throw on it, and no `[DONE]` follows. It starts with a
 * blank line, since the stream may have broken off within a line: after half a `data:` line the event would be an
 * unknown field, and the SDK would take the answer for complete.
 */
export function encodeErrorEvent(refusal: Refusal): Uint8Array {
  return encoder.encode(`\n\ndata: ${JSON.stringify(buildErrorBody(refusal))}\n\n`);
}

/** Headers of a stream; `no-transform` keeps proxies from compressing, and so from holding back, its events. */
export const streamHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-store, no-transform",
} as const;
