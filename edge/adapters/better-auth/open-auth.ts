import { passkey } from "@better-auth/passkey";
import { APIError } from "better-auth/api";
import { betterAuth, type BetterAuthOptions } from "better-auth/minimal";
import { emailOTP } from "better-auth/plugins/email-otp";
import { twoFactor } from "better-auth/plugins/two-factor";
import { digestBody } from "../../agreements/digest.ts";
import { generateBase62 } from "../../agreements/tokens/ids.ts";
import type { Database } from "../../control/http/store.ts";
import {
  codeMs,
  codeTriesMax,
  sessionFreshMs,
  sessionIdleMs,
  sessionMsMax,
} from "../../agreements/settings/sign-in-limits.ts";
import { d1AuthDatabase } from "./database.ts";
import { IssuerBody, issuerPath, issuerProof } from "./issuer-proof.ts";

/** What an instance is opened for: one request, so that nothing of it outlives the request's own I/O. */
export interface AuthOptions {
  db: Database;
  origin: string;
  /** The first signs and seals, the others still open what they have sealed. */
  secrets: readonly { version: number; value: string }[];
  ipHeader: string | null;
  now: () => number;
  random: (bytes: number) => Uint8Array;
  keepCode: (code: string) => void;
  /** May somebody with this address, which they have proven, become known here? */
  maySignUp: (email: string) => Promise<boolean>;
  /** False for a code of TOTP that this user has used before. */
  spendTotp: (user: string, code: string) => Promise<boolean>;
  log: (message: string) => void;
}

/** All cookies of signing in begin so. `__Host-`: of this host alone, and never over a connection that others read. */
export const cookiePrefix = "__Host-penstock";

const idPrefixes: Readonly<Record<string, string>> = { user: "user_", session: "sess_", passkey: "pass_" };
const totpPath = "/two-factor/verify-totp";
/** A session that begins here was proven by a second factor. */
const strongPaths = new Set([totpPath, "/two-factor/verify-backup-code", "/passkey/verify-authentication"]);
/** Ways in behind which a second factor is asked for, if there is one. A passkey is two by itself. */
const weakPaths = new Set(["/sign-in/email-otp"]);

/**
 * Opens better-auth as this house uses it: a code by mail, passkeys that know their owner, TOTP, what an issuer has
 * proven to us. No passwords, nothing about orgs, no session in a cookie. This file is loaded when somebody signs in.
 */
export function openAuth(options: AuthOptions) {
  const { db, origin, secrets, ipHeader } = options;
  return betterAuth({
    appName: "Penstock",
    baseURL: origin,
    basePath: "/auth",
    trustedOrigins: [origin],
    secrets: [...secrets],
    database: d1AuthDatabase(db),
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    onAPIError: { errorURL: "/portal/" },
    logger: { level: "error", disableColors: true, log: (level, message) => level === "error" && options.log(message) },
    user: { additionalFields: { isOperator: { type: "boolean", input: false, defaultValue: false, returned: false } } },
    session: {
      // The cookie's age; the row's own end is nearer, and moves.
      expiresIn: sessionMsMax / 1_000,
      disableSessionRefresh: true,
      freshAge: sessionFreshMs / 1_000,
      additionalFields: {
        hasSecondFactor: { type: "boolean", input: false, defaultValue: false },
        onlyOrg: { type: "string", input: false, required: false },
      },
    },
    account: { accountLinking: { enabled: true } },
    verification: { storeIdentifier: "hashed" },
    advanced: {
      useSecureCookies: false,
      cookiePrefix,
      defaultCookieAttributes: { secure: true, httpOnly: true, sameSite: "lax", path: "/" },
      database: { generateId: ({ model }) => (idPrefixes[model] ?? "") + generateBase62(22, options.random) },
      ipAddress: ipHeader === null ? { disableIpTracking: true } : { ipAddressHeaders: [ipHeader] },
    },
    databaseHooks: writeHooks(options),
    plugins: listPlugins(options),
  });
}

/** What is ours to say of who becomes known, and of the session that begins. */
function writeHooks({ maySignUp, spendTotp, now }: AuthOptions): BetterAuthOptions["databaseHooks"] {
  return {
    user: {
      create: {
        before: async ({ email }, context) => {
          // Whom a company login brings, its org has let in already.
          const isLetIn = context?.path === issuerPath && IssuerBody.parse(context.body).onlyOrg !== null;
          if (!isLetIn && !(await maySignUp(email))) throw new APIError("FORBIDDEN", { code: "SIGN_UP_CLOSED" });
        },
      },
    },
    session: {
      create: {
        before: async (session, context) => {
          const path = context?.path ?? "";
          if (path === totpPath && !(await spendTotp(session.userId, String(context?.body?.code))))
            throw new APIError("UNAUTHORIZED", { code: "INVALID_CODE" });
          const { isStrong, onlyOrg } = path === issuerPath ? IssuerBody.parse(context?.body) : fromHere(path);
          const expiresAt = new Date(now() + sessionIdleMs);
          return { data: { ...session, expiresAt, hasSecondFactor: isStrong, onlyOrg } };
        },
      },
    },
  };
}

const fromHere = (path: string) => ({ isStrong: strongPaths.has(path), onlyOrg: null });

function listPlugins({ origin, keepCode }: AuthOptions) {
  return [
    emailOTP({
      otpLength: 6,
      expiresIn: codeMs / 1_000,
      allowedAttempts: codeTriesMax,
      storeOTP: { hash: async (code) => digestBody(code) },
      // Better-auth swallows what goes wrong here, so the mail goes out behind it.
      sendVerificationOTP: async ({ otp }) => keepCode(otp),
    }),
    openTwoFactor(),
    passkey({
      rpID: new URL(origin).hostname,
      rpName: "Penstock",
      origin,
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      registration: {
        afterVerification: ({ verification }) => refuseUnverified(verification.registrationInfo?.userVerified),
      },
      authentication: {
        afterVerification: ({ verification }) => refuseUnverified(verification.authenticationInfo.userVerified),
      },
    }),
    issuerProof,
  ];
}

/** Better-auth asks for a second factor behind a password only; here it does behind a code by mail. */
function openTwoFactor() {
  const plugin = twoFactor({
    issuer: "Penstock",
    allowPasswordless: true,
    twoFactorCookieMaxAge: codeMs / 1_000,
    backupCodeOptions: { storeBackupCodes: "encrypted" },
  });
  const [hook] = plugin.hooks.after;
  return {
    ...plugin,
    hooks: { after: hook ? [{ ...hook, matcher: ({ path }: { path?: string }) => weakPaths.has(path ?? "") }] : [] },
  };
}

/** A passkey stands for two factors only where it has asked its owner who she is. */
function refuseUnverified(isVerified: boolean | undefined): undefined {
  if (isVerified !== true) throw new Error("the authenticator did not ask its owner");
}
