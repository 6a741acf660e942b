import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { computeCrc32 } from "../crc32.ts";
import { generateBase62, base62, type KeyId, type OrgId } from "./ids.ts";

/**
 * The form of our keys: `sk-pen-<org 10><key 6>-<secret 33><tag 8><checksum 6>`, base62; `sk-pen-admin-…` for the
 * control API. The tag is our truncated HMAC over all before it: a key that we did not make is refused without I/O. The
 * checksum is CRC32 of all before it and needs no secret: it serves typing errors and secret scanners.
 */
const form = /^sk-pen-(admin-)?([0-9A-Za-z]{10})([0-9A-Za-z]{6})-([0-9A-Za-z]{33})([0-9A-Za-z]{8})([0-9A-Za-z]{6})$/;
const tagChars = 8;
const checksumChars = 6;

/** What a key opens: the inference API or the control API. */
export type KeyKind = "inference" | "admin";

/**
 * Keys for tags and digests by `kid`, as objects that show nothing when printed. New keys use the first of each; two
 * may be live at once.
 */
export interface Keyring {
  tagKeys: ReadonlyMap<string, KeyObject>;
  peppers: ReadonlyMap<string, KeyObject>;
}

/** What a well-formed key claims. Nothing of it is proven before its tag and its digest are. */
export interface PresentedKey {
  kind: KeyKind;
  org: OrgId;
  key: KeyId;
  text: string;
}

const encoder = new TextEncoder();

/**
 * Reads secrets (`{kid: base64url of ≥ 32 bytes}`) as keys for HMAC-SHA-256. Rejects on an empty map or a short secret,
 * naming the kid.
 */
export async function openKeyring(secrets: {
  tagKeys: Record<string, string>;
  peppers: Record<string, string>;
}): Promise<Keyring> {
  return { tagKeys: readAll(secrets.tagKeys), peppers: readAll(secrets.peppers) };
}

/**
 * Mints a key. Its text is shown once; stored are only `digest` and, for lists, `hint` (prefix, public part, last
 * four).
 */
export function mintKey(kind: KeyKind, org: OrgId, keyring: Keyring, random: (bytes: number) => Uint8Array) {
  const ref = org.slice("org_".length) + generateBase62(6, random);
  const prefix = kind === "admin" ? "sk-pen-admin-" : "sk-pen-";
  const signed = `${prefix}${ref}-${generateBase62(33, random)}`;
  const [tagKey] = keyring.tagKeys.values();
  const [pepperKid] = keyring.peppers.keys();
  if (!tagKey || !pepperKid) throw new TypeError("keyring is empty");
  const tagged = signed + computeTag(signed, tagKey);
  const text = tagged + computeChecksum(tagged);
  const digests = computeDigests(text, keyring);
  const digest = digests.find(({ kid }) => kid === pepperKid)?.digest ?? "";
  return { id: `key_${ref}`, text, digest, pepperKid, hint: `${prefix}${ref}…${text.slice(-4)}` };
}

/** Reads the form and the checksum; `null` for anything else. Needs no secret and no I/O. */
export function readKey(text: string): PresentedKey | null {
  const match = form.exec(text);
  if (!match) return null;
  const [, admin, org = "", key = "", , , checksum] = match;
  if (computeChecksum(text.slice(0, -checksumChars)) !== checksum) return null;
  return { kind: admin ? "admin" : "inference", org: `org_${org}`, key: `key_${org}${key}`, text };
}

/** Tells whether we made this key: its tag is ours under a live tag key. */
export function isTagged(presented: PresentedKey, keyring: Keyring): boolean {
  const signed = presented.text.slice(0, -(tagChars + checksumChars));
  const tag = presented.text.slice(signed.length, -checksumChars);
  for (const tagKey of keyring.tagKeys.values()) {
    if (isSameText(computeTag(signed, tagKey), tag)) return true;
  }
  return false;
}

/** HMAC-SHA-256 of the whole key under each live pepper, in hex. */
export function computeDigests(text: string, keyring: Keyring): { kid: string; digest: string }[] {
  return Array.from(keyring.peppers, ([kid, pepper]) => ({
    kid,
    digest: createHmac("sha256", pepper).update(text).digest("hex"),
  }));
}

/** Compares without stopping at the first difference (S3). Lengths are not secret. */
export function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one.charCodeAt(i) ^ other.charCodeAt(i);
  return difference === 0;
}

/** Tells whether text is base64url of 32 bytes or more. A length of 4n + 1 is invalid. */
export function isSecret(text: string): boolean {
  return /^[A-Za-z0-9_-]{43,}$/.test(text) && text.length % 4 !== 1;
}

function readAll(secrets: Record<string, string>): Map<string, KeyObject> {
  const entries = Object.entries(secrets);
  if (entries.length === 0) throw new TypeError("no secret is given");
  const keys = new Map<string, KeyObject>();
  for (const [kid, secret] of entries) {
    if (!isSecret(secret)) throw new TypeError(`secret '${kid}' must be base64url of at least 32 bytes`);
    keys.set(kid, createSecretKey(Buffer.from(secret, "base64url")));
  }
  return keys;
}

function computeTag(signed: string, tagKey: KeyObject): string {
  const mac = createHmac("sha256", tagKey).update(signed).digest();
  return toBase62(new DataView(mac.buffer, mac.byteOffset).getBigUint64(0), tagChars);
}

function computeChecksum(text: string): string {
  return toBase62(BigInt(computeCrc32(encoder.encode(text))), checksumChars);
}

function toBase62(value: bigint, chars: number): string {
  let text = "";
  for (let rest = value; text.length < chars; rest /= 62n) text = base62[Number(rest % 62n)] + text;
  return text;
}
