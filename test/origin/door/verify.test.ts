import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT, UnsecuredJWT, type JWTHeaderParameters } from "jose";
import { describe, expect, test } from "vitest";
import { openVerifier } from "#origin/door/verify.ts";

const one = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const jwkOf = (key: KeyObject) => ({ kty: "OKP", crv: "Ed25519", x: String(key.export({ format: "jwk" }).x) }) as const;
const verify = openVerifier({ k1: jwkOf(one.publicKey), k2: jwkOf(other.publicKey) });
const sign = (
  claims: Record<string, unknown>,
  header: JWTHeaderParameters = { alg: "EdDSA", kid: "k1" },
  key = one.privateKey,
) => new SignJWT(claims).setProtectedHeader(header).sign(key);
const part = (json: unknown) => Buffer.from(JSON.stringify(json)).toString("base64url");

describe("a token", () => {
  test("made by jose with a configured key gives its payload", async () => {
    const claims = { iss: "penstock-edge", model: "modèle/日本", n: 7 };
    expect(verify(await sign(claims))).toEqual(claims);
    expect(verify(await sign(claims, { alg: "EdDSA", kid: "k2" }, other.privateKey))).toEqual(claims);
  });

  test("with any byte of it changed gives nothing", async () => {
    const token = await sign({ iss: "penstock-edge" });
    const parts = token.split(".").map((text) => Buffer.from(text, "base64url"));
    for (const [at, bytes] of parts.entries()) {
      for (let byte = 0; byte < bytes.length; byte++) {
        const changed = parts.map((same, index) =>
          index === at ? Buffer.from(same.map((value, place) => (place === byte ? value ^ 1 : value))) : same,
        );
        expect(verify(changed.map((text) => text.toString("base64url")).join("."))).toBeNull();
      }
    }
  });

  test.each<[string, () => Promise<string> | string]>([
    ["nothing", () => ""],
    ["dots alone", () => ".."],
    ["another key's under this kid", () => sign({}, { alg: "EdDSA", kid: "k1" }, other.privateKey)],
    ["an unknown kid", () => sign({}, { alg: "EdDSA", kid: "k3" })],
    ["a kid that every object has", () => sign({}, { alg: "EdDSA", kid: "constructor" })],
    ["no kid", () => sign({}, { alg: "EdDSA" })],
    ["a fourth part", async () => `${await sign({})}.e30`],
    ["a signature cut short", async () => (await sign({})).slice(0, -2)],
    ["no signature", async () => `${(await sign({})).split(".").slice(0, 2).join(".")}.`],
    ["alg none", () => new UnsecuredJWT({}).encode()],
    [
      "another alg in the header",
      async () => `${part({ alg: "HS256", kid: "k1" })}.${(await sign({})).split(".").slice(1).join(".")}`,
    ],
    [
      "HMAC by the public key",
      () =>
        new SignJWT({})
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(Buffer.from(jwkOf(one.publicKey).x, "base64url")),
    ],
    [
      "extensions that must be understood",
      () =>
        new SignJWT({}).setProtectedHeader({ alg: "EdDSA", kid: "k1", crit: ["b64"], b64: true }).sign(one.privateKey),
    ],
    ["a header that is no object", async () => `${part("EdDSA")}.${part({})}.AAAA`],
    ["a header that is no JSON", () => "e30x.e30.AAAA"],
  ])("that is %s gives nothing", async (_, forge) => {
    expect(verify(await forge())).toBeNull();
  });
});

test("a key that is none refuses to open", () => {
  expect(() => openVerifier({ k1: { kty: "OKP", crv: "Ed25519", x: "short" } })).toThrow();
});
