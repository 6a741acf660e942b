import type { Context, MiddlewareHandler } from "hono";
import type { z } from "zod";
import { Refusal } from "../../errors.ts";
import { readBytes } from "../../protocol/bytes.ts";
import { createFieldRefusal } from "../../protocol/fields.ts";
import type { ControlEnv, Principal } from "./port.ts";

/** Bodies of the control API are far smaller. */
const controlBodyBytesMax = 64 * 1024;

/**
 * Reads the body within its bounds; refuses encoded bodies, other media types and malformed JSON before any field. What
 * comes with GET or HEAD means nothing.
 */
export const takeBody: MiddlewareHandler<ControlEnv> = async (c, next) => {
  if (c.req.raw.method === "GET" || c.req.raw.method === "HEAD") return next();
  // At the bootstrap there is no principal yet.
  const principal: Principal | undefined = c.get("principal");
  const sender = { org: principal?.org ?? "", key: principal?.id ?? "" };
  const text = readUtf8(await readBytes(c.req.raw, { bytesMax: controlBodyBytesMax, sender }));
  const { method, url } = c.req.raw;
  const headers = new Headers(c.req.raw.headers);
  if (text !== "") refuseUnlessJson(text, headers.get("content-type") ?? "");
  // An empty body is none, whatever its media type says: `curl -X POST -H 'content-type: application/json'` is common.
  if (text === "") headers.delete("content-type");
  c.req.raw = new Request(url, { method, headers, body: text === "" ? null : text });
  return next();
};

/**
 * Turns what zod refused into `invalid_value` with the field's path; a malformed id in the path is the same 404 as an
 * unknown one (S4).
 */
export function refuseInvalid(result: { target: string; success: boolean; error?: z.ZodError }, c: Context): void {
  if (result.success) return;
  if (result.target === "param" || !result.error) throw new Refusal("not_found");
  const { code, details } = createFieldRefusal(result.error);
  throw new Refusal(code, { ...details, log: `${c.req.method} ${result.error.issues[0]?.code}` });
}

function refuseUnlessJson(text: string, contentType: string): void {
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new Refusal("invalid_value", {
      param: "content-type",
      message: "Send the body as JSON, with Content-Type: application/json.",
    });
  }
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
}

function readUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new Refusal("invalid_json", { message: "The body is not UTF-8.", cause });
  }
}
