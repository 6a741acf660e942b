import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An Ed25519 key pair as JWK; `x` is the public half. */
interface KeyPair {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
  d: string;
}

/**
 * What a deployment keeps secret. Made at random on the first start, kept under the state folder, readable by its owner
 * only.
 */
export interface Secrets {
  tagKeys: Record<string, string>;
  peppers: Record<string, string>;
  nodeMasterKeys: Record<string, string>;
  tokenKey: KeyPair & { kid: string };
  storeKeys: Record<string, string>;
  sessionKeys: Record<string, string>;
  bootstrapToken: string;
  cacheSaltSecret: string;
}

/** Reads the secrets of `stateDir`, and makes those that are not there: all of them, or what an older stack had not. */
export function openSecrets(stateDir: string): Secrets {
  const file = join(stateDir, "secrets.json");
  const made = makeSecrets();
  const secrets = { ...made, ...readKnown(file, Object.keys(made)) };
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  return secrets;
}

/** What a file has under these names; nothing where there is no such file. */
function readKnown(file: string, names: readonly string[]): Partial<Secrets> {
  if (!existsSync(file)) return {};
  const kept: Record<string, unknown> = JSON.parse(readFileSync(file, "utf8"));
  return Object.fromEntries(Object.entries(kept).filter(([name]) => names.includes(name)));
}

/** New secrets. */
export function makeSecrets(): Secrets {
  const secret = () => randomBytes(32).toString("base64url");
  return {
    tagKeys: { t1: secret() },
    peppers: { p1: secret() },
    nodeMasterKeys: { n1: secret() },
    tokenKey: { ...makeKeyPair(), kid: "k1" },
    storeKeys: { s1: secret() },
    sessionKeys: { a1: secret() },
    bootstrapToken: secret(),
    cacheSaltSecret: secret(),
  };
}

/** A new Ed25519 key pair. */
function makeKeyPair(): KeyPair {
  const { kty, crv, x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  if (kty !== "OKP" || crv !== "Ed25519" || !x || !d) throw new Error("this Node cannot make Ed25519 keys");
  return { kty, crv, x, d };
}

/** The Worker's variables that follow from the secrets. */
export function makeSecretVars(secrets: Secrets): Record<string, string> {
  return {
    TAG_KEYS: JSON.stringify(secrets.tagKeys),
    PEPPERS: JSON.stringify(secrets.peppers),
    NODE_MASTER_KEYS: JSON.stringify(secrets.nodeMasterKeys),
    TOKEN_KEY: JSON.stringify(secrets.tokenKey),
    SESSION_KEYS: JSON.stringify(secrets.sessionKeys),
    STORE_KEYS: JSON.stringify(secrets.storeKeys),
    BOOTSTRAP_TOKEN: secrets.bootstrapToken,
  };
}
