import { createHash, randomUUID, sign as signBytes, type KeyObject } from "node:crypto";
import { edgeIssuer, type NodeClaims } from "#edge/agreements/hop.ts";
import { causeOf } from "./log.ts";

const ttlSeconds = 60;

/** base64url SHA-256, as hop tokens and node tokens bind a body. */
export function bodyHash(body: string | Uint8Array): string {
  return createHash("sha256").update(body).digest("base64url");
}

/** A token for one body, by which the edge knows that this node sent it: an EdDSA JWT of NodeClaims in compact form (RFC 7515 §3.1, RFC 8037), valid 60 s, `kid` = node id. */
export type Signer = (body: string) => string;

export function openSigner(node: string, privateKey: KeyObject, now: () => number): Signer {
  const header = encode({ alg: "EdDSA", kid: node });
  return (body) => {
    const iat = Math.floor(now() / 1_000);
    const claims = { iss: node, aud: edgeIssuer, jti: randomUUID(), iat, exp: iat + ttlSeconds, bodySha256: bodyHash(body) } satisfies NodeClaims;
    const signed = `${header}.${encode(claims)}`;
    return `${signed}.${signBytes(null, Buffer.from(signed), privateKey).toString("base64url")}`;
  };
}

/** The edge as an agent reaches it. */
export interface ToEdge {
  edgeUrl: string;
  sign: Signer;
  fetch?: typeof fetch;
}

/** What the edge said to a post. `cause` is null when it took it; else `status 503` or why no answer came, for the log. */
export interface Posted {
  status: number | null;
  cause: string | null;
  /** The body, if it is JSON; else null. */
  said: unknown;
}

/** Posts JSON to the edge, signed. Follows no redirect, waits `msMax` at most, never rejects. */
export async function postSigned({ edgeUrl, sign, fetch = globalThis.fetch }: ToEdge, path: string, body: string, msMax: number): Promise<Posted> {
  try {
    const answer = await fetch(new URL(path, edgeUrl), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${sign(body)}` },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(msMax),
    });
    const said: unknown = await answer.json().catch(() => null);
    return { status: answer.status, cause: answer.ok ? null : `status ${answer.status}`, said };
  } catch (error) {
    return { status: null, cause: causeOf(error), said: null };
  }
}

function encode(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}
