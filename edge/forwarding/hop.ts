import { Buffer } from "node:buffer";
import { createPrivateKey, sign } from "node:crypto";
import { edgeIssuer, type HopClaims } from "../agreements/hop.ts";
import { randomBase62 } from "../agreements/ids.ts";
import { hopTtlMs } from "../limits.ts";
import type { Visit } from "../visit.ts";

/** Signs with the edge's private Ed25519 key; `header` names it, so that agents find its public half. */
export interface HopKey {
  header: string;
  sign(bytes: Uint8Array): string;
}

/** What differs from call to call; issuer, times and the token's id are ours to add. */
export type HopTerms = Omit<HopClaims, "iss" | "jti" | "iat" | "exp">;

/** Opens a private Ed25519 JWK for signing. Throws when it is none. */
export function openHopKey({ kid, ...jwk }: { kid: string; kty: "OKP"; crv: "Ed25519"; x: string; d: string }): HopKey {
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  return { header: encode({ alg: "EdDSA", kid }), sign: (bytes) => sign(null, bytes, key).toString("base64url") };
}

/** Signs one attempt: for one node, one body, one minute. A JWS in compact form (RFC 7515 §3.1, RFC 8037). */
export function signHop(terms: HopTerms, hopKey: HopKey, visit: Visit): string {
  const issuedAt = Math.floor(visit.now() / 1_000);
  const claims: HopClaims = { ...terms, iss: edgeIssuer, jti: randomBase62(22, visit.random), iat: issuedAt, exp: issuedAt + hopTtlMs / 1_000 };
  const signed = `${hopKey.header}.${encode(claims)}`;
  return `${signed}.${hopKey.sign(Buffer.from(signed))}`;
}

function encode(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}
