import { digestHex } from "../../agreements/digest.ts";
import { Refusal } from "../../errors.ts";
import { idempotencyKeyCharsMax } from "../../limits.ts";

/** A caller's `Idempotency-Key` and what it stands for, as SHA-256 in hex. */
export interface Idempotency {
  key: string;
  body: string;
}

/** Reads the `Idempotency-Key` of a call: one key stands for one body at one address. */
export function readIdempotency(headers: Headers, address: string, bytes: Uint8Array): Idempotency | null {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (key === "" || key.length > idempotencyKeyCharsMax) {
    throw new Refusal("invalid_value", {
      param: "Idempotency-Key",
      message: `Idempotency-Key must have 1 to ${idempotencyKeyCharsMax} characters.`,
    });
  }
  return { key: digestHex(key), body: digestHex(`${address} ${digestHex(bytes)}`) };
}
