import { Buffer } from "node:buffer";
import { copyBytes, findMaster, seal, unseal, type MasterKeys, type Random } from "../sealing.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Seals a webhook's secret under the first master key, as `KID.SEALED`; it opens for this webhook alone. */
export async function sealSecret(
  masters: MasterKeys,
  webhook: string,
  secret: string,
  random: Random,
): Promise<string> {
  const { first } = masters;
  const sealed = await seal(findMaster(masters, first), encoder.encode(secret), nameSecret(webhook), random);
  return `${first}.${Buffer.from(sealed.buffer).toString("base64url")}`;
}

/** Opens what was sealed for this webhook; throws for anything else. */
export async function openSecret(masters: MasterKeys, webhook: string, sealed: string): Promise<string> {
  const [kid = "", bytes = ""] = sealed.split(".");
  const opened = await unseal(
    findMaster(masters, kid),
    copyBytes(Buffer.from(bytes, "base64url")),
    nameSecret(webhook),
  );
  return decoder.decode(opened);
}

function nameSecret(webhook: string): string {
  return `webhook secret ${webhook}`;
}
