import { sendAuth } from "./session.ts";

/** How people can sign in to this deployment: with accounts of their own, and by which companies' logins. */
export interface SignInWays {
  hasAccounts: boolean;
  companies: readonly string[];
}

/** Asks which ways there are; a deployment without accounts has the admin key alone. */
export async function readWays(): Promise<SignInWays> {
  const response = await fetch("/auth/ok").catch(() => null);
  const answer: unknown = await response?.json().catch(() => null);
  if (!response?.ok || typeof answer !== "object" || answer === null) return { hasAccounts: false, companies: [] };
  const named = "providers" in answer && Array.isArray(answer.providers) ? answer.providers.map(String) : [];
  return { hasAccounts: true, companies: named };
}

interface PasskeyStatics {
  parseRequestOptionsFromJSON(options: unknown): PublicKeyCredentialRequestOptions;
  parseCreationOptionsFromJSON(options: unknown): PublicKeyCredentialCreationOptions;
}

/** Signs in by a passkey of this device or a phone; throws where the browser has none or the person says no. */
export async function signInByPasskey(): Promise<void> {
  const options = await sendAuth("passkey/generate-authenticate-options", null);
  const publicKey = readStatics().parseRequestOptionsFromJSON(options);
  const response = await navigator.credentials.get({ publicKey });
  await sendAuth("passkey/verify-authentication", { response: toJson(response) });
}

/** Adds a passkey to the account of whoever is signed in. */
export async function addPasskey(name: string): Promise<void> {
  const options = await sendAuth("passkey/generate-register-options", null);
  const publicKey = readStatics().parseCreationOptionsFromJSON(options);
  const response = await navigator.credentials.create({ publicKey });
  await sendAuth("passkey/verify-registration", { response: toJson(response), name });
}

function readStatics(): PasskeyStatics {
  const found: unknown = "PublicKeyCredential" in window ? window.PublicKeyCredential : null;
  if (hasParsers(found)) return found;
  throw new Error("This browser knows no passkeys.");
}

function hasParsers(value: unknown): value is PasskeyStatics {
  return typeof value === "function" && "parseRequestOptionsFromJSON" in value;
}

function toJson(credential: Credential | null): unknown {
  if (credential instanceof PublicKeyCredential) return credential.toJSON();
  throw new Error("No passkey was given.");
}
