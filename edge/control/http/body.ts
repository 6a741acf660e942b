import type { Context, MiddlewareHandler } from "hono";
import type { z } from "zod";
import { Refusal } from "../../errors.ts";
import type { ControlEnv } from "./port.ts";

/** No body of the control API comes near this. */
const controlBodyBytesMax = 64 * 1024;
const sayCharsMax = 300;

/**
 * Reads the body within its bound; refuses encoded bodies, other media types and malformed JSON before any field is
 * looked at.
 */
export const takeBody: MiddlewareHandler<ControlEnv> = async (c, next) => {
  if (c.req.header("content-encoding")) throw new Refusal("unsupported_content_encoding");
  if (c.req.raw.body === null) return next();
  const text = await readText(c.req.raw.body);
  const { method, url, headers } = c.req.raw;
  if (text !== "") refuseUnlessJson(text, headers.get("content-type") ?? "");
  // An empty body is none, whatever its media type says: `curl -X POST -H 'content-type: application/json'` is common.
  const kept = new Headers(headers);
  if (text === "") kept.delete("content-type");
  c.req.raw = new Request(url, { method, headers: kept, body: text === "" ? null : text });
  return next();
};

/**
 * What zod refused becomes `invalid_value` with the field's path; an id in the path that is none is as good as unknown
 * (S4).
 */
export function refuseInvalid(result: { target: string; success: boolean; error?: z.ZodError }, c: Context): void {
  if (result.success) return;
  if (result.target === "param") throw new Refusal("not_found");
  const issue = result.error?.issues[0];
  const isUnknownField = issue?.code === "unrecognized_keys";
  const path = isUnknownField ? [...issue.path, issue.keys[0] ?? ""] : (issue?.path ?? []);
  const say = isUnknownField ? "There is no such field, or it may not be set." : (issue?.message ?? "Not allowed.");
  const param = writePath(path).slice(0, sayCharsMax);
  throw new Refusal("invalid_value", {
    param: param || undefined,
    say: `${param || "The body"}: ${say}`,
    log: `${c.req.method} ${issue?.code}`,
  });
}

function writePath(path: PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`));
  return steps.join("").replace(/^\./, "");
}

function refuseUnlessJson(text: string, contentType: string): void {
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new Refusal("invalid_value", {
      param: "content-type",
      say: "Send the body as JSON, with Content-Type: application/json.",
    });
  }
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    bytes += read.value.byteLength;
    if (bytes > controlBodyBytesMax) {
      await reader.cancel();
      throw new Refusal("request_too_large", { say: `The body is larger than ${controlBodyBytesMax} bytes.` });
    }
    chunks.push(read.value);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(join(chunks, bytes));
  } catch (cause) {
    throw new Refusal("invalid_json", { say: "The body is not UTF-8.", cause });
  }
}

function join(chunks: Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
