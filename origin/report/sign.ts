import { randomUUID, type KeyObject } from "node:crypto";
import { digestBody } from "#edge/agreements/digest.ts";
import { edgeIssuer, type NodeClaims } from "#edge/agreements/tokens/hop.ts";
import { openJwsSigner } from "#edge/agreements/tokens/jws.ts";
import { readCause } from "../log.ts";

const ttlSeconds = 60;

/**
 * A token for one body, by which the edge knows that this node sent it: an EdDSA JWT of NodeClaims, valid 60 s, `kid` =
 * node id.
 */
export type Signer = (body: string) => string;

/** Opens a signer with this node's private key. */
export function openSigner(node: string, privateKey: KeyObject, now: () => number): Signer {
  const signClaims = openJwsSigner(node, privateKey);
  return (body) => {
    const iat = Math.floor(now() / 1_000);
    return signClaims({
      iss: node,
      aud: edgeIssuer,
      jti: randomUUID(),
      iat,
      exp: iat + ttlSeconds,
      bodySha256: digestBody(body),
    } satisfies NodeClaims);
  };
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
