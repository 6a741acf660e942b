import { createPrivateKey } from "node:crypto";
import { edgeIssuer, type HopClaims } from "../agreements/tokens/hop.ts";
import { generateBase62 } from "../agreements/tokens/ids.ts";
import { openJwsSigner, type SignClaims } from "../agreements/tokens/jws.ts";
import { hopTtlMs } from "../limits.ts";
import type { NodeRecord } from "../agreements/records/node.ts";
import type { Visit } from "../visit.ts";
import type { HeldCall } from "./held-call.ts";

/** Signs with the edge's private Ed25519 key; each token names the key, so that agents find its public half. */
export type HopKey = SignClaims;

/** The claims that differ from call to call; issuer, times and the token's id are added on signing. */
export type HopTerms = Omit<HopClaims, "iss" | "jti" | "iat" | "exp">;

/** Opens a private Ed25519 JWK for signing; throws when it is not one. */
export function openHopKey({ kid, ...jwk }: { kid: string; kty: "OKP"; crv: "Ed25519"; x: string; d: string }): HopKey {
  return openJwsSigner(kid, createPrivateKey({ key: jwk, format: "jwk" }));
}

/** Signs one attempt: for one node, one body, one minute. */
export function signHop(terms: HopTerms, hopKey: HopKey, visit: Visit): string {
  const issuedAt = Math.floor(visit.now() / 1_000);
  const claims: HopClaims = {
    ...terms,
    iss: edgeIssuer,
    jti: generateBase62(22, visit.random),
    iat: issuedAt,
    exp: issuedAt + hopTtlMs / 1_000,
  };
  return hopKey(claims);
}

/** What a node may do with one attempt: this call, within what is held for it, with this body. */
export function buildHopTerms(
  { call, reserved }: Pick<HeldCall, "call" | "reserved">,
  node: NodeRecord,
  number: number,
  bodySha256: string,
): HopTerms {
  return {
    aud: node.id,
    org: reserved.org,
    hold: reserved.hold,
    attempt: number,
    endpoint: call.endpoint,
    model: call.model.id,
    tier: reserved.tier,
    tokensHeld: reserved.tokensHeld,
    completionTokensMax: reserved.completionTokens,
    isDefaultMax: call.isDefaultMax,
    ...(!call.hasImages && { promptTokensGuess: call.promptTokensGuess }),
    ...(reserved.boundFactor > 1 && { boundFactor: reserved.boundFactor }),
    deadlineMs: call.deadlineMs,
    ...(call.isStream && call.timeout.header !== null && { ownTimeoutMs: call.timeout.ms }),
    bodySha256,
  };
}
