import { Buffer } from "node:buffer";
import { sign, type KeyObject } from "node:crypto";

/** Signs claims: an EdDSA JWT in compact form (RFC 7515 §3.1, RFC 8037). */
export type SignClaims = (claims: object) => string;

/**
 * Signs with a private Ed25519 key that the header names. Synchronous, by hand and not by jose, because every call
 * waits for it (docs/decisions/0005).
 */
export function openJwsSigner(kid: string, key: KeyObject): SignClaims {
  const header = encode({ alg: "EdDSA", kid });
  return (claims) => {
    const signed = `${header}.${encode(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
  };
}

function encode(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}
