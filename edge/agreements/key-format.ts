import { hexOf } from "./digest.ts";
import { randomBase62, base62, type KeyId, type OrgId } from "./ids.ts";

/**
 * The form of our keys: `sk-pen-<org 10><key 6>-<secret 33><tag 8><checksum 6>`, base62; `sk-pen-admin-…` for the control API.
 * The tag is an HMAC of ours, truncated, over all before it: a key that we did not make dies without I/O. The checksum is CRC32
 * of all before it and needs no secret: typing errors and secret scanners.
 */
const form = /^sk-pen-(admin-)?([0-9A-Za-z]{10})([0-9A-Za-z]{6})-([0-9A-Za-z]{33})([0-9A-Za-z]{8})([0-9A-Za-z]{6})$/;
const tagChars = 8;
const checksumChars = 6;

export type KeyKind = "inference" | "admin";

/** Keys for tags and digests, each by its `kid`. The first of each is the one new keys are made with; two may live at once. */
export interface Keyring {
  tagKeys: ReadonlyMap<string, CryptoKey>;
  peppers: ReadonlyMap<string, CryptoKey>;
}

/** What a well-formed key says of itself. Nothing of it is proven until its tag and its digest are. */
export interface PresentedKey {
  kind: KeyKind;
  org: OrgId;
  key: KeyId;
  text: string;
}

const encoder = new TextEncoder();

/** Imports secrets (`{kid: base64url of ≥ 32 bytes}`) as HMAC-SHA-256 keys. Throws on an empty map or a short secret, naming the kid. */
export async function openKeyring(secrets: { tagKeys: Record<string, string>; peppers: Record<string, string> }): Promise<Keyring> {
  return { tagKeys: await importAll(secrets.tagKeys), peppers: await importAll(secrets.peppers) };
}

/** A new key. The text is shown once; only `digest` is kept, and `hint` (prefix, public part, last four) for lists. */
export async function mintKey(kind: KeyKind, org: OrgId, keyring: Keyring, random: (bytes: number) => Uint8Array) {
  const ref = org.slice("org_".length) + randomBase62(6, random);
  const prefix = kind === "admin" ? "sk-pen-admin-" : "sk-pen-";
  const signed = `${prefix}${ref}-${randomBase62(33, random)}`;
  const [tagKey] = keyring.tagKeys.values();
  const [pepperKid] = keyring.peppers.keys();
  if (!tagKey || !pepperKid) throw new TypeError("keyring is empty");
  const tagged = signed + (await tagOf(signed, tagKey));
  const text = tagged + checksumOf(tagged);
  const digests = await digestsOf(text, keyring);
  const digest = digests.find(({ kid }) => kid === pepperKid)?.digest ?? "";
  return { id: `key_${ref}`, text, digest, pepperKid, hint: `${prefix}${ref}…${text.slice(-4)}` };
}

/** Reads the form and the checksum; `null` for anything else. Needs no secret and no I/O. */
export function readKey(text: string): PresentedKey | null {
  const match = form.exec(text);
  if (!match) return null;
  const [, admin, org = "", key = "", , , checksum] = match;
  if (checksumOf(text.slice(0, -checksumChars)) !== checksum) return null;
  return { kind: admin ? "admin" : "inference", org: `org_${org}`, key: `key_${org}${key}`, text };
}

/** Did we make this key? True when its tag is ours under any live tag key. */
export async function isTagged(presented: PresentedKey, keyring: Keyring): Promise<boolean> {
  const signed = presented.text.slice(0, -(tagChars + checksumChars));
  const tag = presented.text.slice(signed.length, -checksumChars);
  for (const tagKey of keyring.tagKeys.values()) {
    if (isSameText(await tagOf(signed, tagKey), tag)) return true;
  }
  return false;
}

/** HMAC-SHA-256 of the whole key under each live pepper, in hex. */
export async function digestsOf(text: string, keyring: Keyring): Promise<{ kid: string; digest: string }[]> {
  const bytes = encoder.encode(text);
  return Promise.all(
    Array.from(keyring.peppers, async ([kid, pepper]) => ({ kid, digest: hexOf(await crypto.subtle.sign("HMAC", pepper, bytes)) })),
  );
}

/** Compares without leaving early at the first difference (S3). Lengths are not secret. */
export function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one.charCodeAt(i) ^ other.charCodeAt(i);
  return difference === 0;
}

/** base64url of 32 bytes or more. A length of 4n + 1 is none. */
export function isSecret(text: string): boolean {
  return /^[A-Za-z0-9_-]{43,}$/.test(text) && text.length % 4 !== 1;
}

async function importAll(secrets: Record<string, string>): Promise<Map<string, CryptoKey>> {
  const entries = Object.entries(secrets);
  if (entries.length === 0) throw new TypeError("no secret is given");
  const keys = new Map<string, CryptoKey>();
  for (const [kid, secret] of entries) {
    if (!isSecret(secret)) throw new TypeError(`secret '${kid}' must be base64url of at least 32 bytes`);
    const bytes = Uint8Array.from(atob(secret.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    keys.set(kid, await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]));
  }
  return keys;
}

async function tagOf(signed: string, tagKey: CryptoKey): Promise<string> {
  const mac = new DataView(await crypto.subtle.sign("HMAC", tagKey, encoder.encode(signed)));
  return toBase62(mac.getBigUint64(0), tagChars);
}

function checksumOf(text: string): string {
  return toBase62(BigInt(crc32(encoder.encode(text))), checksumChars);
}

function toBase62(value: bigint, chars: number): string {
  let text = "";
  for (let rest = value; text.length < chars; rest /= 62n) text = base62[Number(rest % 62n)] + text;
  return text;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as in ISO 3309 (zip, PNG). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 255] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
