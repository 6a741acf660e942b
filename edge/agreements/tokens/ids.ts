import { z } from "zod";

/** Digits of every reference we mint, in ASCII order so that sorting text sorts value. */
export const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * An organisation: who pays. The ten characters after the prefix are its reference and stand inside each of its keys.
 */
export const OrgId = z.string().regex(/^org_[0-9A-Za-z]{10}$/);
export type OrgId = z.infer<typeof OrgId>;

/** A key's public part: the org's reference and six characters of its own. */
export const KeyId = z.string().regex(/^key_[0-9A-Za-z]{16}$/);
export type KeyId = z.infer<typeof KeyId>;

/** What one call has set aside. 128 random bits: whoever was not given it cannot settle it. */
export const HoldId = z.string().regex(/^hold_[0-9A-Za-z]{22}$/);
export type HoldId = z.infer<typeof HoldId>;

export const NodeId = z.string().regex(/^node_[a-z0-9-]{1,40}$/);
export type NodeId = z.infer<typeof NodeId>;

/** `count` base62 characters, unbiased, from `random(bytes)`: bytes ≥ 248 are thrown away. */
export function randomBase62(count: number, random: (bytes: number) => Uint8Array): string {
  let text = "";
  while (text.length < count) {
    for (const byte of random(count + 8)) {
      if (byte < 248 && text.length < count) text += base62[byte % 62];
    }
  }
  return text;
}
