import { z } from "zod";
import { createJsonSchema, Secrets } from "./forms.ts";

/** Issuers by which people may sign in. */
const OidcProviders = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9-]{1,32}$/, "must be of 1 to 32 small letters and digits"),
      name: z.string().min(1).max(64),
      issuer: z.url({ protocol: /^https?$/, error: "is not an http(s) URL" }),
      clientId: z.string().min(1),
      secret: z.string().min(1),
      provesSecondFactor: z.boolean().default(false),
    }),
  )
  .max(16);

/** A kid's number tells the keys that sealed a second factor apart, for as long as it is sealed. */
const SessionKeys = Secrets.refine(
  (secrets) => new Set(Object.keys(secrets).map(readKidNumber)).size === Object.keys(secrets).length,
  "has two kids that end in the same number",
).refine((secrets) => Object.keys(secrets).every((kid) => readKidNumber(kid) !== null), "has a kid without a number");

/** What signing in needs: all of it is optional, and without `SESSION_KEYS` nobody can. */
export const signInSettings = {
  SESSION_KEYS: createJsonSchema(SessionKeys)
    .optional()
    .meta({
      description:
        "People's sessions are signed under them, and their second factors sealed: JSON, kid to secret, one or two; " +
        "the first signs. A kid ends in a number of its own (`a1`, `a2`). Without it nobody can sign in.",
      isSecret: true,
    }),
  OPERATORS_MFA: z
    .enum(["required", "optional"], { error: "is neither 'required' nor 'optional'" })
    .default("optional")
    .describe(
      "Whether people who are operators need a second factor: `required` makes one who has shown none in this " +
        "session a person like others until she has. Keys of operators are not asked.",
    ),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "is not an http(s) URL" })
    .optional()
    .describe(
      "The address under which people reach this gateway, such as `https://api.example.test`; unless it is set, the " +
        "one under which a request comes. Passkeys belong to its host.",
    ),
  MAIL: z
    .enum(["resend", "postmark", "cloudflare", "local"], {
      error: "is neither 'resend', 'postmark', 'cloudflare' nor 'local'",
    })
    .optional()
    .describe(
      "Who sends mail: an HTTP API in Resend's form or Postmark's (`MAIL_URL`, `MAIL_TOKEN`), Cloudflare's binding " +
        "`EMAIL`, or `local`, which prints mail in the terminal and is for development alone. Without it no mail is " +
        "sent, and nobody can sign in by a code.",
    ),
  MAIL_FROM: z
    .string()
    .min(3)
    .max(254)
    .optional()
    .describe("Whom mail comes from, such as `Penstock <no-reply@example.test>`. Required while MAIL sends any."),
  MAIL_URL: z
    .url({ protocol: /^https?$/, error: "is not an http(s) URL" })
    .optional()
    .describe("Where the mail provider's API is. Required while MAIL is `resend` or `postmark`."),
  MAIL_TOKEN: z
    .string()
    .min(1, "is empty")
    .optional()
    .meta({ description: "Its token. Required while MAIL is `resend` or `postmark`.", isSecret: true }),
  SIGN_UP: z
    .enum(["everyone", "domains", "invited"], { error: "is neither 'everyone', 'domains' nor 'invited'" })
    .default("everyone")
    .describe(
      "Who may make an account and an org: `everyone` who proves an address of mail, `domains`: who has one of " +
        "`SIGN_UP_DOMAINS`, `invited`: nobody by themselves. Who is invited, or comes by an org's company login, is " +
        "let in whatever it says.",
    ),
  SIGN_UP_DOMAINS: z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((domain) => domain.trim().toLowerCase())
        .filter(Boolean),
    )
    .pipe(z.array(z.string().regex(/^([a-z0-9-]+\.)+[a-z0-9-]+$/, "holds what is no domain such as example.com")))
    .default([])
    .describe("The domains of mail of `SIGN_UP`, separated by commas; each means itself, and no part of it."),
  OIDC: createJsonSchema(OidcProviders)
    .optional()
    .meta({
      description:
        "Issuers of OpenID Connect by which people may sign in: a JSON list of `{id, name, issuer, clientId, secret, " +
        "provesSecondFactor}`. Their redirect URI is `PUBLIC_URL/auth/callback/ID`.",
      isSecret: true,
    }),
};

/** The number that a kid ends in; null for one without. */
export function readKidNumber(kid: string): number | null {
  const digits = /\d{1,8}$/.exec(kid)?.[0];
  return digits === undefined ? null : Number(digits);
}

interface MailSettings {
  MAIL?: string | undefined;
  MAIL_FROM?: string | undefined;
  MAIL_URL?: string | undefined;
  MAIL_TOKEN?: string | undefined;
}

/** What is not set though `SIGN_UP` needs it. */
export function findSignUpFaults(settings: {
  SIGN_UP: string;
  SIGN_UP_DOMAINS: readonly string[];
}): { path: string[]; message: string }[] {
  if (settings.SIGN_UP !== "domains" || settings.SIGN_UP_DOMAINS.length > 0) return [];
  return [{ path: ["SIGN_UP_DOMAINS"], message: "is not set, though SIGN_UP is domains" }];
}

/** What is not set though the choice of `MAIL` needs it. */
export function findMailFaults(settings: MailSettings): { path: string[]; message: string }[] {
  const { MAIL } = settings;
  if (MAIL === undefined || MAIL === "local") return [];
  const needed = MAIL === "cloudflare" ? (["MAIL_FROM"] as const) : (["MAIL_FROM", "MAIL_URL", "MAIL_TOKEN"] as const);
  return needed
    .filter((name) => settings[name] === undefined)
    .map((name) => ({ path: [name], message: `is not set, though MAIL is ${MAIL}` }));
}
