import { digestBody } from "#edge/agreements/digest.ts";
import type { MacKeys } from "#edge/agreements/tokens/mac-token.ts";
import { makeNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { readCause } from "../log.ts";

/** A token for one body, by which the edge knows that this node sent it. It is good for a minute. */
export type Signer = (body: string) => string;

/** Opens a signer with this node's own keys, the first of which it uses. */
export function openSigner(node: string, keys: MacKeys, now: () => number): Signer {
  return (body) => makeNodeToken({ node, issuedAtMs: now(), bodySha256: digestBody(body) }, keys);
}

/** The edge as an agent reaches it. */
export interface EdgeConnection {
  edgeUrl: string;
  sign: Signer;
  fetch?: typeof fetch;
}

/**
 * What the edge answered. `cause` is null when it accepted; else `status 503` or why no answer came, for the log.
 */
export interface EdgeResponse {
  status: number | null;
  cause: string | null;
  /** The body, if it is JSON; else null. */
  json: unknown;
}

/** Posts JSON to the edge, signed. Follows no redirect, waits `msMax` at most, never rejects. */
export async function postSigned(
  { edgeUrl, sign, fetch = globalThis.fetch }: EdgeConnection,
  path: string,
  body: string,
  msMax: number,
): Promise<EdgeResponse> {
  try {
    const answer = await fetch(new URL(path, edgeUrl), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${sign(body)}` },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(msMax),
    });
    const json: unknown = await answer.json().catch(() => null);
    return { status: answer.status, cause: answer.ok ? null : `status ${answer.status}`, json };
  } catch (error) {
    return { status: null, cause: readCause(error), json: null };
  }
}
