import { Buffer } from "node:buffer";
import { copyBytes, findMaster, openMasterKeys as open, seal, unseal } from "../agreements/sealing.ts";
import type { MasterKeys, Random } from "../agreements/sealing.ts";
import { generateBase62, type OrgId } from "../agreements/tokens/ids.ts";
import type { WrappedKey } from "./port.ts";

export { seal, unseal, type MasterKeys } from "../agreements/sealing.ts";

const form = "AES-GCM";
const keyBytes = 32;

/** Opens the master keys under which orgs' keys are sealed: kid to secret (`STORE_KEYS`). */
export function openMasterKeys(secrets: Readonly<Record<string, string>>): Promise<MasterKeys> {
  return open(secrets, "stored responses");
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
