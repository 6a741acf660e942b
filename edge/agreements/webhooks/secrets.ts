import { openText, sealText, type MasterKeys, type Random } from "../sealing.ts";

/** Seals a webhook's secret under the first master key; it opens for this webhook alone. */
export function sealSecret(masters: MasterKeys, webhook: string, secret: string, random: Random): Promise<string> {
  return sealText(masters, nameSecret(webhook), secret, random);
}

/** Opens what was sealed for this webhook; throws for anything else. */
export function openSecret(masters: MasterKeys, webhook: string, sealed: string): Promise<string> {
  return openText(masters, nameSecret(webhook), sealed);
}

function nameSecret(webhook: string): string {
  return `webhook secret ${webhook}`;
}
