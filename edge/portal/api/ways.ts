import { api, ask, isUnserved, type Shown } from "./client.ts";

/** How people can sign in to this deployment. Where it has no accounts, an admin key is the one way. */
export type SignInWays = Omit<Shown<"WaysIn">, "isLocalMail">;

/** Asks which ways there are; those that cannot be had now are not offered. */
export async function readWays(): Promise<SignInWays> {
  try {
    return await ask(api.GET("/auth/ways", {}));
  } catch (failure) {
    if (!isUnserved(failure)) console.warn(failure);
    return { code: false, passkey: false, oidc: [] };
  }
}

interface PasskeyStatics {
  parseRequestOptionsFromJSON(options: unknown): PublicKeyCredentialRequestOptions;
  parseCreationOptionsFromJSON(options: unknown): PublicKeyCredentialCreationOptions;
}

/** Signs in by a passkey of this device or a phone; throws where the browser has none or the person says no. */
export async function signInByPasskey(): Promise<void> {
  const options = await ask(api.POST("/auth/sign-in/passkey/options", { body: {} }));
  const publicKey = readStatics().parseRequestOptionsFromJSON(options);
  const credential = toJson(await navigator.credentials.get({ publicKey }));
  await ask(api.POST("/auth/sign-in/passkey", { body: { credential } }));
}

/** Adds a passkey to the account of whoever is signed in, under a name of theirs. */
export async function addPasskey(name: string): Promise<unknown> {
  const options = await ask(api.POST("/auth/passkeys/options", { body: {} }));
  const publicKey = readStatics().parseCreationOptionsFromJSON(options);
  const credential = toJson(await navigator.credentials.create({ publicKey }));
  return ask(api.POST("/auth/passkeys", { body: { credential, name } }));
}

function readStatics(): PasskeyStatics {
  const found: unknown = "PublicKeyCredential" in window ? window.PublicKeyCredential : null;
  if (hasParsers(found)) return found;
  throw new Error("This browser knows no passkeys.");
}

function hasParsers(value: unknown): value is PasskeyStatics {
  return typeof value === "function" && "parseRequestOptionsFromJSON" in value;
}

function toJson(credential: Credential | null): Shown<"SignInWithPasskey">["credential"] {
  if (!(credential instanceof PublicKeyCredential)) throw new Error("No passkey was given.");
  return { ...credential.toJSON(), id: credential.id, type: "public-key" };
}
