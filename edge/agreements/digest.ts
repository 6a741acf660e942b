import { createHash } from "node:crypto";
import { hashSha256 } from "./sha256.ts";

/**
 * Up to here hashing in JavaScript costs less in workerd: 1.5 against 5 µs for 60 bytes, 3 against 4 to 5 for 300, and
 * the same at some 600 (docs/decisions/0005).
 */
const smallBytesMax = 512;

const encoder = new TextEncoder();

/** SHA-256 as base64url without padding, as hop and node tokens carry it (RFC 7515, section 2). */
export function digestBody(bytes: Uint8Array | string): string {
  const small = takeSmall(bytes);
  return small ? writeBase64url(hashSha256(small)) : createHash("sha256").update(bytes).digest("base64url");
}

/** SHA-256 in hex. */
export function digestHex(bytes: Uint8Array | string): string {
  const small = takeSmall(bytes);
  return small ? writeHex(hashSha256(small)) : createHash("sha256").update(bytes).digest("hex");
}

/** The bytes, if they are surely few: a string has up to three times as many as characters. */
function takeSmall(bytes: Uint8Array | string): Uint8Array | null {
  if (typeof bytes !== "string") return bytes.length <= smallBytesMax ? bytes : null;
  return bytes.length * 3 <= smallBytesMax ? encoder.encode(bytes) : null;
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Eight words in base64url without padding: 256 bits are 43 digits of six; the last has two bits more, which are zero.
 */
export function writeBase64url(words: Int32Array): string {
  let text = "";
  for (let bit = 0; bit < 256; bit += 6) {
    const left = bit % 32;
    const word = words[bit >>> 5] ?? 0;
    const next = words[(bit >>> 5) + 1] ?? 0;
    const digit = left <= 26 ? word >>> (26 - left) : (word << (left - 26)) | (next >>> (58 - left));
    text += base64url[digit & 63];
  }
  return text;
}

function writeHex(words: Int32Array): string {
  let text = "";
  for (const word of words) text += (word >>> 0).toString(16).padStart(8, "0");
  return text;
}
