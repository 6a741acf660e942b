import type { Credential } from "../agreements/tokens/credential.ts";
import { Refusal } from "../errors.ts";
import { readClientToken, type TokenKey } from "./client-token.ts";
import { readCallerIp } from "./ip-limit.ts";
import type { VerifiedKeys } from "./verified-keys.ts";

export { ClientToken, mintClientToken, TokenBody, type TokenKey } from "./client-token.ts";
export { countCaller, countFailure, countForgery, type IpLimits } from "./ip-limit.ts";
export { openVerifiedKeys, type VerifiedKeys } from "./verified-keys.ts";

/** What credentials are known by, and the header that tells the caller's address, if one does. */
export interface KnownKeys {
  keys: VerifiedKeys;
  tokenKey: TokenKey;
  ipHeader: string | null;
}

/**
 * Reads the credential without any I/O: form, checksum, tag. Every failure is the same 401 (S3), but for what anybody
 * can tell from the outside: no key at all, and a key of the other kind. Accepts
 * `Authorization: Bearer`, and `x-api-key` and `api-key` as Anthropic's and Azure's clients send them. Client tokens
 * work like keys; admin keys do not work for inference.
 */
export async function identify(
  request: Request,
  { keys, tokenKey, ipHeader }: KnownKeys,
  nowMs: number,
): Promise<Credential> {
  const shown = readPresentedText(request.headers);
  if (shown.startsWith("ey")) {
    const claimed = await readClientToken(shown, tokenKey, nowMs);
    if (!claimed) throw new Refusal("invalid_api_key");
    return { ...claimed, digests: [], ip: readCallerIp(request.headers, ipHeader) };
  }
  refuseByForm(shown, request.headers);
  const verified = keys.verify(shown);
  if (!verified) throw new Refusal("invalid_api_key");
  return { ...verified, ip: readCallerIp(request.headers, ipHeader) };
}

/** Says what the form alone shows, and shows to anybody: this tells nothing about any key. */
function refuseByForm(shown: string, headers: Headers): void {
  if (shown.startsWith("sk-pen-admin-")) {
    throw new Refusal("invalid_api_key", {
      message: "This is an admin key, which is for /control only. Send an inference key ('sk-pen-…').",
    });
  }
  if (shown !== "") return;
  throw new Refusal("invalid_api_key", {
    message: headers.has("authorization")
      ? "The Authorization header holds no key. Send it as 'Authorization: Bearer sk-pen-…'."
      : "No API key was sent. Send it as 'Authorization: Bearer sk-pen-…'.",
  });
}

function readPresentedText(headers: Headers): string {
  const bearer = headers.get("authorization")?.match(/^bearer +(\S+) *$/i)?.[1];
  return bearer ?? headers.get("x-api-key") ?? headers.get("api-key") ?? "";
}
