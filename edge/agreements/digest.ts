import { createHash } from "node:crypto";

/** SHA-256 as base64url without padding, as hop and node tokens carry it (RFC 7515, section 2). */
export function digestBody(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("base64url");
}

/** SHA-256 in hex. */
export function digestHex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
