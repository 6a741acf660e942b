import { errorBody, type Refusal } from "../errors.ts";

const encoder = new TextEncoder();

/** A comment keeps the connection open and every SDK ignores it; `id:`, `retry:` and an empty `data:` break some. */
export const waitComment = encoder.encode(": wait\n\n");

/**
 * The last event of a stream that did not end well: OpenAI's SDKs throw on it. No `[DONE]` follows. It begins with a
 * blank line, since what came before may have been cut within a line: behind half a `data:` it would be a field that
 * nobody knows, and the SDK would take the answer for whole.
 */
export function errorEvent(refusal: Refusal): Uint8Array {
  return encoder.encode(`\n\ndata: ${JSON.stringify(errorBody(refusal))}\n\n`);
}

/** Headers of a stream; `no-transform` keeps proxies from compressing, and so from holding back, its events. */
export const streamHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-store, no-transform",
} as const;
