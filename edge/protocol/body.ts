import { findStringEnd, numberCharsMax, parseExact, scanJson } from "../agreements/exact-json.ts";
import { isObject, type JsonObject } from "../agreements/json.ts";
import { Refusal } from "../errors.ts";
import { bodyBytesMax, bodyDepthMax, bodyMembersMax, bodyMembersMaxAll, discardedBytesMax } from "../limits.ts";

/** A body as it was sent, and as it is read. */
export interface ReadBody {
  bytes: Uint8Array<ArrayBuffer>;
  json: unknown;
  /** The same with the digits of numbers that a double cannot keep, for writing only; null when there are none. */
  exact: JsonObject | null;
}

/**
 * Reads a request's body whole, 4 MiB at most. Refuses any Content-Encoding (415), more bytes (413), invalid UTF-8 or
 * JSON (400), and nesting deeper than 64 (400). Of a duplicate member the last one counts, as everywhere in JavaScript;
 * calls are serialized anew for the origin, so nobody behind us can read them differently.
 */
export async function readJson(request: Request): Promise<ReadBody> {
  const bytes = await readBytes(request, bodyBytesMax);
  // A parser needs a second for a megabyte of brackets, so the bytes are looked at before.
  const { depth, isInexact } = scanJson(bytes, bodyDepthMax + 1);
  if (depth > bodyDepthMax) {
    throw new Refusal("invalid_value", { message: `The body is nested deeper than ${bodyDepthMax} levels.` });
  }
  if (bytes.length > bodyMembersMaxAll && countMembers(bytes) > bodyMembersMaxAll) {
    throw new Refusal("invalid_value", {
      message: `The body has more than ${bodyMembersMaxAll} members, lists and objects in all.`,
    });
  }
  const { json, exact } = parseBoth(bytes, isInexact);
  if (typeof json === "object" && json !== null && Object.keys(json).length > bodyMembersMax) {
    throw new Refusal("invalid_value", { message: `The body has more than ${bodyMembersMax} members.` });
  }
  return { bytes, json, exact };
}

function parseBoth(bytes: Uint8Array, isInexact: boolean): Omit<ReadBody, "bytes"> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    const json: unknown = JSON.parse(text);
    const exact = isInexact ? parseExact(text) : null;
    return { json, exact: isObject(exact) ? exact : null };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw new Refusal("invalid_json", { cause });
    throw new Refusal("invalid_value", { message: `A number has more than ${numberCharsMax} characters.`, cause });
  }
}

/** Reads the body's bytes, `bytesMax` at most; refuses encoded bodies. */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") throw new Refusal("unsupported_content_encoding");
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > bytesMax) {
    await discard(request.body);
    throw createTooLarge(bytesMax);
  }
  // A declared length is enforced by the HTTP layer, so the whole can be read natively; otherwise each chunk is
  // counted.
  if (declared !== null) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.byteLength > bytesMax) throw createTooLarge(bytesMax);
    return bytes;
  }
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size <= bytesMax) chunks.push(chunk);
    else if (size > discardedBytesMax) break;
  }
  if (size > bytesMax) throw createTooLarge(bytesMax);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** Reads on and keeps nothing, so that a caller who is still sending gets the refusal instead of a broken pipe. */
async function discard(body: ReadableStream<Uint8Array> | null): Promise<void> {
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > discardedBytesMax) return;
  }
}

function createTooLarge(bytesMax: number): Refusal {
  return new Refusal("request_too_large", { message: `The request body is larger than ${bytesMax} bytes.` });
}

/**
 * Counts members, lists and objects in JSON text: colons and opening brackets outside strings. A parser needs up to a
 * microsecond for each; numbers and text cost it little.
 */
function countMembers(bytes: Uint8Array): number {
  let members = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === quote) i = findStringEnd(bytes, i);
    else if (bytes[i] === colon || bytes[i] === openBracket || bytes[i] === openBrace) members++;
  }
  return members;
}

const [quote, openBracket, openBrace, colon] = [34, 91, 123, 58];
