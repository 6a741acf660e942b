import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An Ed25519 key pair as JWK; `x` is the public half. */
export interface KeyPair {
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
  hopKey: KeyPair & { kid: string };
  bootstrapToken: string;
  cacheSaltSecret: string;
  nodeKeys: Record<string, KeyPair>;
}

/** Reads the secrets of `stateDir`, or makes them. */
export function openSecrets(stateDir: string, nodes: string[]): Secrets {
  const file = join(stateDir, "secrets.json");
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    const secrets = makeSecrets(nodes);
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 });
    return secrets;
  }
}

/** New secrets, with a key pair for each node. */
export function makeSecrets(nodes: string[]): Secrets {
  const secret = () => randomBytes(32).toString("base64url");
  return {
    tagKeys: { t1: secret() },
    peppers: { p1: secret() },
    hopKey: { ...makeKeyPair(), kid: "h1" },
    bootstrapToken: secret(),
    cacheSaltSecret: secret(),
    nodeKeys: Object.fromEntries(nodes.map((node) => [node, makeKeyPair()])),
  };
}

/** A new Ed25519 key pair. */
export function makeKeyPair(): KeyPair {
  const { kty, crv, x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  if (kty !== "OKP" || crv !== "Ed25519" || !x || !d) throw new Error("this Node cannot make Ed25519 keys");
  return { kty, crv, x, d };
}

/** The Worker's variables that follow from the secrets. */
export function makeSecretVars(secrets: Secrets): Record<string, string> {
  return {
    TAG_KEYS: JSON.stringify(secrets.tagKeys),
    PEPPERS: JSON.stringify(secrets.peppers),
    HOP_KEY: JSON.stringify(secrets.hopKey),
    BOOTSTRAP_TOKEN: secrets.bootstrapToken,
  };
}
