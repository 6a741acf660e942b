/** Whatever WebCrypto digests; the runtimes spell it differently. */
export type Bytes = Parameters<SubtleCrypto["digest"]>[1];

/** SHA-256 as base64url without padding, as hop and node tokens carry it (RFC 7515 §2). */
export async function bodyDigest(bytes: Bytes): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return btoa(String.fromCharCode(...digest)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** SHA-256 in hex. */
export async function hexDigest(bytes: Bytes): Promise<string> {
  return hexOf(await crypto.subtle.digest("SHA-256", bytes));
}

export function hexOf(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
