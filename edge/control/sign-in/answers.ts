import { z } from "@hono/zod-openapi";
import { OrgId, PasskeyId, SessionId, UserId } from "../../agreements/tokens/ids.ts";
import { formatIso, formatIsoOrNull, Name, Timestamp } from "../http/fields.ts";
import type { SignedIn } from "../http/port.ts";
import type { PasskeyRow, SessionRow } from "./queries.ts";

const emailCharsMax = 254;

/** An address of mail, in small letters: that is how it is compared everywhere. */
export const Email = z
  .string()
  .trim()
  .toLowerCase()
  .max(emailCharsMax)
  .pipe(z.email())
  .openapi({ type: "string", format: "email", maxLength: emailCharsMax });

/** A code of six digits. */
export const SixDigits = z.string().regex(/^\d{6}$/, "Give the six digits.");

/** What a browser's `PublicKeyCredential.toJSON()` gives; who reads it checks every member. */
export const Credential = z.looseObject({ id: z.string().max(2_048), type: z.literal("public-key") });

/** What a browser needs to ask an authenticator: `PublicKeyCredential.parse…OptionsFromJSON` reads it. */
export const CredentialOptions = z.looseObject({ challenge: z.string() }).openapi("CredentialOptions");

/** How a way in has ended. */
export const SignInResult = z
  .strictObject({
    status: z.enum(["signed_in", "second_factor_needed"]).openapi({
      description:
        "`second_factor_needed`: send a code of the authenticator app, or a backup code, within ten minutes.",
    }),
  })
  .openapi("SignInResult");

/** Who is signed in. */
export const Me = z
  .strictObject({
    user: z.strictObject({ id: UserId, email: z.string(), name: z.string(), isOperator: z.boolean() }),
    session: z.strictObject({
      id: SessionId,
      expiresAt: Timestamp,
      hasSecondFactor: z.boolean(),
      onlyOrg: OrgId.nullable().describe("The org whose company login this session began by: it opens that one alone."),
    }),
    mfa: z.strictObject({ isEnabled: z.boolean() }),
  })
  .openapi("Me");

/** A session, for its owner. */
export const SessionView = z
  .strictObject({
    id: SessionId,
    isThis: z.boolean(),
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
    expiresAt: Timestamp,
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    hasSecondFactor: z.boolean(),
  })
  .openapi("UserSession");

/** A passkey, for its owner. */
export const PasskeyView = z
  .strictObject({
    id: PasskeyId,
    name: z.string(),
    isSynced: z.boolean(),
    createdAt: Timestamp.nullable(),
  })
  .openapi("Passkey");

/** A name that a person gives herself or a thing of hers. */
export const OwnName = Name;

/** Writes who is signed in. */
export function toMe(me: SignedIn): z.infer<typeof Me> {
  return {
    user: { id: me.user, email: me.email, name: me.name, isOperator: me.isOperator },
    session: {
      id: me.session,
      expiresAt: formatIso(me.expiresAtMs),
      hasSecondFactor: me.hasSecondFactor,
      onlyOrg: me.onlyOrg,
    },
    mfa: { isEnabled: me.isMfaEnabled },
  };
}

/** Writes a session for its owner; `current` is the one that asks. */
export function toSessionView(row: SessionRow, current: SessionId): z.infer<typeof SessionView> {
  return {
    id: row.id,
    isThis: row.id === current,
    createdAt: formatIso(row.created_at_ms),
    lastUsedAt: formatIso(row.updated_at_ms),
    expiresAt: formatIso(row.expires_at_ms),
    ip: row.ip_address || null,
    userAgent: row.user_agent || null,
    hasSecondFactor: row.has_second_factor === 1,
  };
}

/** Writes a passkey for its owner. */
export function toPasskeyView(row: PasskeyRow): z.infer<typeof PasskeyView> {
  return {
    id: row.id,
    name: row.name ?? "",
    isSynced: row.backed_up === 1,
    createdAt: formatIsoOrNull(row.created_at_ms),
  };
}
