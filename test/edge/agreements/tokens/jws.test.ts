import { createPrivateKey, createPublicKey, generateKeyPairSync, verify, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { decodeProtectedHeader, jwtVerify, SignJWT, UnsecuredJWT, type JWTHeaderParameters } from "jose";
import { describe, expect, test } from "vitest";
import { openJwsSigner, openVerifier } from "#edge/agreements/tokens/jws.ts";

test("jose verifies every token signed here, with that key and no other", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const otherKey = generateKeyPairSync("ed25519").publicKey;
  const sign = openJwsSigner("key-1", privateKey);
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
      const token = sign({ text });
      expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", kid: "key-1" });
      expect((await jwtVerify(token, publicKey, { algorithms: ["EdDSA"] })).payload).toEqual({ text });
      await expect(jwtVerify(token, otherKey)).rejects.toThrow();
    }),
    { numRuns: 30 },
  );
});

/** RFC 8037, appendix A: the key pair of A.1 and A.2, and the signed token of A.4. */
const rfc = {
  jwk: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } as const,
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  signed: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
  signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
};

test("RFC 8037's key pair signs tokens here that its public half verifies, in ours and in the platform's hands", () => {
  const claims = { text: "Example of Ed25519 signing" };
  const token = openJwsSigner("a1", createPrivateKey({ key: { ...rfc.jwk, d: rfc.d }, format: "jwk" }))(claims);
  expect(openVerifier({ a1: rfc.jwk })(token)).toEqual(claims);
  const publicKey = createPublicKey({ key: rfc.jwk, format: "jwk" });
  const [header, payload, signature = ""] = token.split(".");
  const isOurs = verify(null, Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url"));
  const isTheirs = verify(null, Buffer.from(rfc.signed), publicKey, Buffer.from(rfc.signature, "base64url"));
  expect([isOurs, isTheirs]).toEqual([true, true]);
});

test("RFC 8037's own token is refused: it names no key", () => {
  expect(openVerifier({ a1: rfc.jwk })(`${rfc.signed}.${rfc.signature}`)).toBeNull();
});

const one = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const toJwk = (key: KeyObject) => ({ kty: "OKP", crv: "Ed25519", x: String(key.export({ format: "jwk" }).x) }) as const;
const verifyToken = openVerifier({ k1: toJwk(one.publicKey), k2: toJwk(other.publicKey) });
const signByJose = (
  claims: Record<string, unknown>,
  header: JWTHeaderParameters = { alg: "EdDSA", kid: "k1" },
  key = one.privateKey,
) => new SignJWT(claims).setProtectedHeader(header).sign(key);
const encodePart = (json: unknown) => Buffer.from(JSON.stringify(json)).toString("base64url");

describe("a token", () => {
  test("made by jose with a configured key gives its payload", async () => {
    const claims = { iss: "penstock-edge", model: "modèle/日本", n: 7 };
    expect(verifyToken(await signByJose(claims))).toEqual(claims);
    expect(verifyToken(await signByJose(claims, { alg: "EdDSA", kid: "k2" }, other.privateKey))).toEqual(claims);
  });

  test("with any byte of it changed is refused", async () => {
    const token = await signByJose({ iss: "penstock-edge" });
    const parts = token.split(".").map((text) => Buffer.from(text, "base64url"));
    for (const [at, bytes] of parts.entries()) {
      for (let byte = 0; byte < bytes.length; byte++) {
        const changed = parts.map((same, index) =>
          index === at ? Buffer.from(same.map((value, offset) => (offset === byte ? value ^ 1 : value))) : same,
        );
        expect(verifyToken(changed.map((text) => text.toString("base64url")).join("."))).toBeNull();
      }
    }
  });

  test.each<[string, () => Promise<string> | string]>([
    ["nothing", () => ""],
    ["dots alone", () => ".."],
    ["another key's under this kid", () => signByJose({}, { alg: "EdDSA", kid: "k1" }, other.privateKey)],
    ["an unknown kid", () => signByJose({}, { alg: "EdDSA", kid: "k3" })],
    ["a kid that every object has", () => signByJose({}, { alg: "EdDSA", kid: "constructor" })],
    ["no kid", () => signByJose({}, { alg: "EdDSA" })],
    ["a fourth part", async () => `${await signByJose({})}.e30`],
    ["a signature cut short", async () => (await signByJose({})).slice(0, -2)],
    ["no signature", async () => `${(await signByJose({})).split(".").slice(0, 2).join(".")}.`],
    ["alg none", () => new UnsecuredJWT({}).encode()],
    [
      "another alg in the header",
      async () => `${encodePart({ alg: "HS256", kid: "k1" })}.${(await signByJose({})).split(".").slice(1).join(".")}`,
    ],
    [
      "HMAC by the public key",
      () =>
        new SignJWT({})
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(Buffer.from(toJwk(one.publicKey).x, "base64url")),
    ],
    [
      "extensions that must be understood",
      () =>
        new SignJWT({}).setProtectedHeader({ alg: "EdDSA", kid: "k1", crit: ["b64"], b64: true }).sign(one.privateKey),
    ],
    ["a header that is no object", async () => `${encodePart("EdDSA")}.${encodePart({})}.AAAA`],
    ["a header that is no JSON", () => "e30x.e30.AAAA"],
  ])("that is %s is refused", async (_, forge) => {
    expect(verifyToken(await forge())).toBeNull();
  });
});

test("a malformed key is refused when the verifier opens", () => {
  expect(() => openVerifier({ k1: { kty: "OKP", crv: "Ed25519", x: "short" } })).toThrow();
});
