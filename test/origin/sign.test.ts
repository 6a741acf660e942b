import { generateKeyPairSync } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { NodeClaims } from "#edge/agreements/hop.ts";
import { bodyHash, openSigner } from "#origin/sign.ts";

test("a node's token holds NodeClaims, for 60 s and for one body, under the node's own key", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const token = await openSigner("node_a", privateKey, () => 1_000_500)("body");
  const { payload } = await jwtVerify(token, publicKey, { currentDate: new Date(1_001_000), audience: "penstock-edge", issuer: "node_a" });
  expect(NodeClaims.parse(payload)).toMatchObject({ iat: 1_000, exp: 1_060, bodySha256: bodyHash("body") });
  expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", kid: "node_a" });
});

test("no two tokens are alike, and a hash is base64url", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const sign = openSigner("node_a", privateKey, () => 0);
  expect(await sign("x")).not.toBe(await sign("x"));
  expect(bodyHash("")).toBe("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
});
