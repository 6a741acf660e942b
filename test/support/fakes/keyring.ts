import { openKeyring, type Keyring } from "#edge/agreements/tokens/key-format.ts";
import type { TokenKey } from "#edge/identity/client-token.ts";

/** 32 bytes of one value, base64url without padding. */
export function secretOf(byte: number, bytes = 32): string {
  return Buffer.alloc(bytes, byte).toString("base64url");
}

export function keyringOf(
  tagKeys: Record<string, string> = { t1: secretOf(1) },
  peppers: Record<string, string> = { p1: secretOf(101) },
): Promise<Keyring> {
  return openKeyring({ tagKeys, peppers });
}

/** An Ed25519 key of the edge, as client tokens are signed with. */
export async function tokenKeyOf(kid = "h1"): Promise<TokenKey> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  return { kid, privateKey: pair.privateKey, publicKey: pair.publicKey };
}
