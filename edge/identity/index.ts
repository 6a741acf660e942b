import { digestsOf, isTagged, readKey, type Keyring } from "../agreements/key-format.ts";
import { readIp } from "../agreements/ip.ts";
import type { Credential } from "../agreements/credential.ts";
import { Refusal } from "../errors.ts";

/**
 * Reads the credential without any I/O: form, checksum, tag. Every failure is the same 401 (S3). Accepts `Authorization: Bearer`, and
 * `x-api-key` and `api-key` as Anthropic's and Azure's clients send them. Admin keys are not for inference.
 */
export async function identify(request: Request, keyring: Keyring): Promise<Credential> {
  const presented = readKey(presentedText(request.headers));
  if (!presented || presented.kind !== "inference" || !(await isTagged(presented, keyring))) throw new Refusal("invalid_api_key");
  const { org, key, text } = presented;
  return { org, key, digests: await digestsOf(text, keyring), ip: callerIp(request.headers) };
}

function presentedText(headers: Headers): string {
  const bearer = headers.get("authorization")?.match(/^bearer +(\S+) *$/i)?.[1];
  return bearer ?? headers.get("x-api-key") ?? headers.get("api-key") ?? "";
}

/** Set by Cloudflare's edge and overwritten there when a caller sends it herself. */
function callerIp(headers: Headers): string | null {
  return readIp(headers.get("cf-connecting-ip") ?? "");
}
