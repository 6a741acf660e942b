import { Refusal } from "../errors.ts";
import { bodyBytesMax, bodyDepthMax } from "../limits.ts";

/**
 * Reads a request's body whole, at most 4 MiB. Refuses any Content-Encoding (415), more bytes (413), what is not UTF-8 or not JSON (400),
 * and nesting deeper than 64 (400). Of a member that stands twice the last counts, as everywhere in JavaScript; since calls are
 * written anew for the origin, no one behind us can read it otherwise.
 */
export async function readJson(request: Request): Promise<{ bytes: Uint8Array; json: unknown }> {
  const bytes = await readBytes(request, bodyBytesMax);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
  if (depthOf(json, bodyDepthMax + 1) > bodyDepthMax) {
    throw new Refusal("invalid_value", { say: `The body is nested deeper than ${bodyDepthMax} levels.` });
  }
  return { bytes, json };
}

/** The body's bytes, `bytesMax` at most; refuses encoded bodies. */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") throw new Refusal("unsupported_content_encoding");
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > bytesMax) throw tooLarge(bytesMax);
  // A declared length is enforced by the HTTP layer, so the whole can be read natively; otherwise each chunk is counted.
  if (declared !== null) return new Uint8Array(await request.arrayBuffer());
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal("request_too_large", { say: `The request body is larger than ${bytesMax} bytes.` });
}

/** How deep a JSON value is nested (a scalar is 0), counted no further than `depthMax`. Level by level, so hostile depth costs no stack. */
export function depthOf(json: unknown, depthMax: number): number {
  let depth = 0;
  for (let level = [json].filter(isNested); level.length > 0 && depth < depthMax; depth++) {
    level = level.flatMap((value) => Object.values(value).filter(isNested));
  }
  return depth;
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
