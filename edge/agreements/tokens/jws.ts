import { Buffer } from "node:buffer";
import { createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { parseObject, type JsonObject } from "../json.ts";

/** Signs claims: an EdDSA JWT in compact form (RFC 7515, section 3.1; RFC 8037). */
export type SignClaims = (claims: object) => string;

/**
 * The payload of a token that one of the keys signed; null for anything else. It promises nothing about times, audience
 * or shape: the reader checks those.
 */
export type Verifier = (token: string) => JsonObject | null;

/** The public half of an Ed25519 key as JWK (RFC 8037). */
export interface PublicJwk {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
}

/**
 * Signs with a private Ed25519 key and names it in the header. Synchronous, and not by jose, because every call waits
 * for it (docs/decisions/0005).
 */
export function openJwsSigner(kid: string, key: KeyObject): SignClaims {
  const header = encode({ alg: "EdDSA", kid });
  return (claims) => {
    const signed = `${header}.${encode(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
  };
}

/**
 * Verifies compact JWS (RFC 7515, section 5.2) by EdDSA and nothing else: the header names the key, and its `alg` must
 * be EdDSA. A token with critical extensions (`crit`) is refused. Not by jose, because every call waits for it:
 * WebCrypto costs half as much again as the signature itself.
 */
export function openVerifier(publicKeys: Readonly<Record<string, PublicJwk>>): Verifier {
  const keys = new Map<unknown, KeyObject>();
  for (const [kid, { kty, crv, x }] of Object.entries(publicKeys))
    keys.set(kid, createPublicKey({ key: { kty, crv, x }, format: "jwk" }));
  return (token) => {
    const [header = "", payload = "", signature = "", ...more] = token.split(".");
    const head = decode(header);
    if (more.length > 0 || head === null || head["alg"] !== "EdDSA" || "crit" in head) return null;
    const key = keys.get(head["kid"]);
    if (!key || !verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")))
      return null;
    return decode(payload);
  };
}

function encode(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}

function decode(part: string): JsonObject | null {
  return parseObject(Buffer.from(part, "base64url").toString("utf8"));
}
