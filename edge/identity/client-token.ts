import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Credential } from "../agreements/tokens/credential.ts";
import { KeyId, OrgId, generateBase62 } from "../agreements/tokens/ids.ts";
import { Endpoint } from "../agreements/records/model.ts";
import { Refusal } from "../errors.ts";
import { clientTokenSecondsMax } from "../limits.ts";
import { readJson } from "../protocol/body.ts";
import { parseBody } from "../protocol/fields.ts";
import type { Visit } from "../visit.ts";

const issuer = "penstock-edge";
const audience = "penstock-client";

/** Both halves of the Ed25519 key that signs client tokens. */
export interface TokenKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

/** What a token may use of what its key may; `null` is all of it. Models are ids. */
type TokenScopes = NonNullable<Credential["token"]>;

const Claims = z.object({
  sub: KeyId,
  org: OrgId,
  endpoints: z.array(Endpoint).nullable(),
  models: z.array(z.string()).nullable(),
});

/** The body of a token request: a lifetime in seconds, and scopes; `null` or absent means all that its key may use. */
export const TokenBody = z.strictObject({
  expires_in: z.int().min(1).max(clientTokenSecondsMax).default(600),
  endpoints: z.array(Endpoint).min(1).max(Endpoint.options.length).nullish(),
  models: z.array(z.string().min(1).max(256)).min(1).max(64).nullish(),
});

/** A token as its maker gets it, this once; `expires_at` is in Unix seconds. */
export const ClientToken = z.strictObject({
  object: z.literal("client_token"),
  token: z.string(),
  expires_at: z.int(),
});
export type ClientToken = z.infer<typeof ClientToken>;

/**
 * Mints a short-lived token for a browser or an app: an EdDSA JWT that stands for the key, with at most the key's
 * scopes, and dies with it. The caller of this function has checked that the key is in force; `narrow` knows its
 * scopes, and throws on a wish for more.
 */
export async function mintClientToken(
  visit: Visit,
  credential: Credential,
  tokenKey: TokenKey,
  narrow: (wish: z.infer<typeof TokenBody>) => TokenScopes,
): Promise<ClientToken> {
  if (credential.token)
    throw new Refusal("insufficient_permissions", { message: "A client token cannot make another." });
  const { json } = await readJson(visit.request, credential);
  const requested = parseBody(TokenBody, json);
  const now = Math.floor(visit.now() / 1_000);
  const token = await new SignJWT({
    org: credential.org,
    ...narrow(requested),
  })
    .setProtectedHeader({ alg: "EdDSA", kid: tokenKey.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(credential.key)
    .setJti(generateBase62(22, visit.random))
    .setIssuedAt(now)
    .setExpirationTime(now + requested.expires_in)
    .sign(tokenKey.privateKey);
  return { object: "client_token", token, expires_at: now + requested.expires_in };
}

/** Returns what a client token grants if we minted it and it has not expired; else null. No I/O. */
export async function readClientToken(
  text: string,
  tokenKey: TokenKey,
  nowMs: number,
): Promise<Pick<Credential, "org" | "key" | "token"> | null> {
  try {
    const { payload } = await jwtVerify(text, tokenKey.publicKey, {
      issuer,
      audience,
      algorithms: ["EdDSA"],
      currentDate: new Date(nowMs),
    });
    const { sub, org, endpoints, models } = Claims.parse(payload);
    return { org, key: sub, token: { endpoints, models } };
  } catch {
    return null;
  }
}
