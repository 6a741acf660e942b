import { createHash, randomUUID, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { edgeIssuer, type NodeClaims } from "#edge/agreements/hop.ts";

const ttlSeconds = 60;

/** base64url SHA-256, as hop tokens and node tokens bind a body. */
export function bodyHash(body: string | Uint8Array): string {
  return createHash("sha256").update(body).digest("base64url");
}

/** A token for one body, by which the edge knows that this node sent it: an EdDSA JWT of NodeClaims, valid 60 s, `kid` = node id. */
export type Signer = (body: string) => Promise<string>;

export function openSigner(node: string, privateKey: KeyObject, now: () => number): Signer {
  return (body) => {
    const iat = Math.floor(now() / 1_000);
    const claims = {
      iss: node,
      aud: edgeIssuer,
      jti: randomUUID(),
      iat,
      exp: iat + ttlSeconds,
      bodySha256: bodyHash(body),
    } satisfies NodeClaims;
    return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", kid: node }).sign(privateKey);
  };
}
