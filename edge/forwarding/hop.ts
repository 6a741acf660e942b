import { SignJWT } from "jose";
import { edgeIssuer, type HopClaims } from "../agreements/hop.ts";
import { randomBase62 } from "../agreements/ids.ts";
import { hopTtlMs } from "../limits.ts";
import type { Visit } from "../visit.ts";

/** The edge's private Ed25519 key and the name agents know its public half by. */
export interface HopKey {
  kid: string;
  key: CryptoKey;
}

/** What differs from call to call; issuer, times and the token's id are ours to add. */
export type HopTerms = Omit<HopClaims, "iss" | "jti" | "iat" | "exp">;

/** Signs one attempt: for one node, one body, one minute. */
export function signHop(terms: HopTerms, hopKey: HopKey, visit: Visit): Promise<string> {
  const issuedAt = Math.floor(visit.now() / 1_000);
  return new SignJWT({ ...terms, iss: edgeIssuer, jti: randomBase62(22, visit.random), iat: issuedAt, exp: issuedAt + hopTtlMs / 1_000 })
    .setProtectedHeader({ alg: "EdDSA", kid: hopKey.kid })
    .sign(hopKey.key);
}
