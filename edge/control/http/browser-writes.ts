import { Refusal } from "../../errors.ts";

const readMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses a write that a browser may have been tricked into: whoever proves themselves by a cookie has to come from a
 * page of ours (`Origin` is `ours` to the letter) and to send JSON, which no form can. Reads pass. For `/auth`, and for
 * the control plane when its principal comes from a session; a key in a header proves what a cookie does not.
 */
export function refuseCrossOrigin(request: Request, ours: string): void {
  if (readMethods.has(request.method)) return;
  const isJson = /^application\/json\s*(;|$)/i.test(request.headers.get("content-type") ?? "");
  if (request.headers.get("origin") === ours && isJson) return;
  throw new Refusal("cross_origin");
}

/** The address under which people reach us, without a path: what the operator has set, or where the request came. */
export function readOwnOrigin(request: Request, publicUrl: string | null): string {
  return new URL(publicUrl ?? request.url).origin;
}
