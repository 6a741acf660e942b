import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { isObject } from "#edge/protocol/openai/reserved-fields.ts";

/** The public half of an Ed25519 key as JWK (RFC 8037). */
interface PublicJwk {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
}

/**
 * The payload of a token that one of the keys signed; null for anything else. It says nothing of times, audience or
 * shape: those are the reader's to check.
 */
export type Verifier = (token: string) => unknown;

/**
 * Verifies compact JWS (RFC 7515 §5.2) by EdDSA and nothing else: the key's id is in the header, and so is `alg`, which
 * must say the same. Extensions that must be understood (`crit`) are not. Here, and not by jose, because every call
 * waits for it: WebCrypto costs half as much again as the signature itself.
 */
export function openVerifier(publicKeys: Readonly<Record<string, PublicJwk>>): Verifier {
  const keys = new Map<unknown, KeyObject>();
  for (const [kid, { kty, crv, x }] of Object.entries(publicKeys))
    keys.set(kid, createPublicKey({ key: { kty, crv, x }, format: "jwk" }));
  return (token) => {
    const [header = "", payload = "", signature = "", ...more] = token.split(".");
    const head = decode(header);
    if (more.length > 0 || !isObject(head) || head["alg"] !== "EdDSA" || "crit" in head) return null;
    const key = keys.get(head["kid"]);
    if (!key || !verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")))
      return null;
    return decode(payload);
  };
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}
