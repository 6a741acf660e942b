import { Buffer } from "node:buffer";
import { generateBase62, type OrgId } from "../agreements/tokens/ids.ts";
import type { WrappedKey } from "./port.ts";

/** The keys under which orgs' keys are sealed, by kid; new ones are sealed under `first`. */
export interface MasterKeys {
  first: string;
  keys: ReadonlyMap<string, CryptoKey>;
}

/** Random bytes, as many as are asked for. */
type Random = (bytes: number) => Uint8Array;

const form = "AES-GCM";
const ivBytes = 12;
const keyBytes = 32;
const encoder = new TextEncoder();

/** Opens the master keys of a deployment: kid to secret, base64url of at least 32 bytes (`STORE_KEYS`). */
export async function openMasterKeys(secrets: Readonly<Record<string, string>>): Promise<MasterKeys> {
  const entries = Object.entries(secrets);
  const [first] = Object.keys(secrets);
  if (first === undefined) throw new TypeError("no secret is given");
  const keys = await Promise.all(entries.map(async ([kid, secret]) => [kid, await deriveMaster(secret)] as const));
  return { first, keys: new Map(keys) };
}

/** A secret may have more bytes than a key of AES-256, so the key is derived (HKDF, RFC 5869). */
async function deriveMaster(secret: string): Promise<CryptoKey> {
  const raw = copyBytes(Buffer.from(secret, "base64url"));
  const base = await crypto.subtle.importKey("raw", raw, "HKDF", false, ["deriveKey"]);
  const info = encoder.encode("penstock stored responses: master key");
  const terms = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return crypto.subtle.deriveKey(terms, base, { name: form, length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Makes a new key for an org, sealed. */
export async function mintOrgKey(org: OrgId, masters: MasterKeys, random: Random): Promise<WrappedKey> {
  const id = `okey_${generateBase62(22, random)}`;
  return wrapKey({ org, id, raw: copyBytes(random(keyBytes)) }, masters, random);
}

/** Opens an org's key; throws where no master key fits, or its bytes are not what was sealed for this org. */
export async function openOrgKey(org: OrgId, key: WrappedKey, masters: MasterKeys): Promise<CryptoKey> {
  const raw = await unwrapKey(org, key, masters);
  return crypto.subtle.importKey("raw", raw, form, false, ["encrypt", "decrypt"]);
}

/** The same key sealed under the first master key. */
export async function rewrapOrgKey(
  { org, ...key }: WrappedKey & { org: OrgId },
  masters: MasterKeys,
  random: Random,
): Promise<WrappedKey> {
  return wrapKey({ org, id: key.id, raw: await unwrapKey(org, key, masters) }, masters, random);
}

async function wrapKey(
  { org, id, raw }: { org: OrgId; id: string; raw: Uint8Array<ArrayBuffer> },
  masters: MasterKeys,
  random: Random,
): Promise<WrappedKey> {
  const kid = masters.first;
  const sealed = await seal(findMaster(masters, kid), raw, nameKey(org, id), random);
  return { id, kid, wrapped: Buffer.from(sealed.buffer).toString("base64url") };
}

function unwrapKey(
  org: OrgId,
  { id, kid, wrapped }: WrappedKey,
  masters: MasterKeys,
): Promise<Uint8Array<ArrayBuffer>> {
  return unseal(findMaster(masters, kid), copyBytes(Buffer.from(wrapped, "base64url")), nameKey(org, id));
}

function nameKey(org: OrgId, id: string): string {
  return `org key ${org} ${id}`;
}

function findMaster({ keys }: MasterKeys, kid: string): CryptoKey {
  const key = keys.get(kid);
  if (!key) throw new RangeError("STORE_KEYS has no key of the kid that an org's key is sealed under");
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

/** Bytes in a buffer of their own, as WebCrypto's types ask for. */
function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
