import { Buffer } from "node:buffer";

/** The keys under which others are sealed, by kid; what is new is sealed under `first`. */
export interface MasterKeys {
  first: string;
  keys: ReadonlyMap<string, CryptoKey>;
}

/** Random bytes, as many as are asked for. */
export type Random = (bytes: number) => Uint8Array;

const form = "AES-GCM";
const ivBytes = 12;
const encoder = new TextEncoder();

/**
 * Opens the master keys of a deployment: kid to secret, base64url of at least 32 bytes (`STORE_KEYS`). `purpose` sets
 * the keys of one use apart from those of another, which are derived from the same secrets.
 */
export async function openMasterKeys(
  secrets: Readonly<Record<string, string>>,
  purpose: "stored responses" | "webhook secrets" | "login secrets",
): Promise<MasterKeys> {
  const entries = Object.entries(secrets);
  const [first] = Object.keys(secrets);
  if (first === undefined) throw new TypeError("no secret is given");
  const keys = await Promise.all(
    entries.map(async ([kid, secret]) => [kid, await deriveMaster(secret, purpose)] as const),
  );
  return { first, keys: new Map(keys) };
}

/** A secret may have more bytes than a key of AES-256, so the key is derived (HKDF, RFC 5869). */
async function deriveMaster(secret: string, purpose: string): Promise<CryptoKey> {
  const raw = copyBytes(Buffer.from(secret, "base64url"));
  const base = await crypto.subtle.importKey("raw", raw, "HKDF", false, ["deriveKey"]);
  const info = encoder.encode(`penstock ${purpose}: master key`);
  const terms = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return crypto.subtle.deriveKey(terms, base, { name: form, length: 256 }, false, ["encrypt", "decrypt"]);
}

/** The master key of a kid; throws when there is none. */
export function findMaster({ keys }: MasterKeys, kid: string): CryptoKey {
  const key = keys.get(kid);
  if (!key) throw new RangeError("STORE_KEYS has no key of the kid that something is sealed under");
  return key;
}

/**
 * Seals bytes with AES-256-GCM: 12 random bytes of IV, then the ciphertext with its tag of 16. `name` says what they
 * are, and they open under no other: neither as another org's nor as another response's.
 */
export async function seal(
  key: CryptoKey,
  bytes: Uint8Array,
  name: string,
  random: Random,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = copyBytes(random(ivBytes));
  const terms = { name: form, iv, additionalData: encoder.encode(name) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(terms, key, copyBytes(bytes)));
  const whole = new Uint8Array(ivBytes + sealed.length);
  whole.set(iv);
  whole.set(sealed, ivBytes);
  return whole;
}

/** Opens what was sealed under this name; throws for anything else. */
export async function unseal(
  key: CryptoKey,
  sealed: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const terms = { name: form, iv: sealed.subarray(0, ivBytes), additionalData: encoder.encode(name) };
  return new Uint8Array(await crypto.subtle.decrypt(terms, key, sealed.subarray(ivBytes)));
}

/** Seals a text under the first master key, as `KID.SEALED`; it opens under this name alone. */
export async function sealText(masters: MasterKeys, name: string, text: string, random: Random): Promise<string> {
  const { first } = masters;
  const sealed = await seal(findMaster(masters, first), encoder.encode(text), name, random);
  return `${first}.${Buffer.from(sealed.buffer).toString("base64url")}`;
}

/** Opens what was sealed under this name; throws for anything else. */
export async function openText(masters: MasterKeys, name: string, sealed: string): Promise<string> {
  const [kid = "", bytes = ""] = sealed.split(".");
  const opened = await unseal(findMaster(masters, kid), copyBytes(Buffer.from(bytes, "base64url")), name);
  return new TextDecoder().decode(opened);
}

/** Bytes in a buffer of their own, as WebCrypto's types ask for. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
