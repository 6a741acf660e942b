import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { openJwsSigner } from "#edge/agreements/tokens/jws.ts";

test("jose verifies what is signed, whatever the claims say, and with that key alone", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const stranger = generateKeyPairSync("ed25519").publicKey;
  const sign = openJwsSigner("key-1", privateKey);
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
      const token = sign({ text });
      expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", kid: "key-1" });
      expect((await jwtVerify(token, publicKey, { algorithms: ["EdDSA"] })).payload).toEqual({ text });
      await expect(jwtVerify(token, stranger)).rejects.toThrow();
    }),
    { numRuns: 30 },
  );
});
