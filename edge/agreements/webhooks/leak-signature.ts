import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";

/**
 * Is this a signature of these bytes under a public key, ECDSA over P-256 with SHA-256, in base64 of DER, as GitHub
 * signs its reports? False too for what is no key, no signature, or of another kind.
 */
export function isSignedBy(pem: string, bytes: Uint8Array, signature: string): boolean {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1") return false;
    return verify("sha256", bytes, key, Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}
