import { createSign, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { isSignedBy } from "#edge/agreements/webhooks/leak-signature.ts";

const bytes = new TextEncoder().encode(
  '[{"token":"some_token","type":"some_type","url":"some_url","source":"content"}]',
);
const pem = (key: { export(form: { type: "spki"; format: "pem" }): string | Buffer }) =>
  String(key.export({ type: "spki", format: "pem" }));
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const sign = (key: Parameters<ReturnType<typeof createSign>["sign"]>[0]) =>
  createSign("sha256").update(bytes).sign(key, "base64");

test("a signature of these bytes under this key, and no other", () => {
  expect(isSignedBy(pem(pair.publicKey), bytes, sign(pair.privateKey))).toBe(true);
  expect(isSignedBy(pem(pair.publicKey), bytes.slice(1), sign(pair.privateKey))).toBe(false);
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  expect(isSignedBy(pem(other.publicKey), bytes, sign(pair.privateKey))).toBe(false);
});

test("no key of another kind, and nothing that is neither key nor signature", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  expect(isSignedBy(pem(rsa.publicKey), bytes, sign(rsa.privateKey))).toBe(false);
  const wide = generateKeyPairSync("ec", { namedCurve: "P-384" });
  expect(isSignedBy(pem(wide.publicKey), bytes, sign(wide.privateKey))).toBe(false);
  for (const signature of ["", "AAAA", "not base64 at all", sign(pair.privateKey).slice(4)])
    expect(isSignedBy(pem(pair.publicKey), bytes, signature)).toBe(false);
  for (const key of ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "x"])
    expect(isSignedBy(key, bytes, sign(pair.privateKey))).toBe(false);
});
