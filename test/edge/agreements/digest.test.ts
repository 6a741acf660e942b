import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyDigest, hexDigest } from "#edge/agreements/digest.ts";

test("digests are SHA-256, as node's own library writes them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      expect(await bodyDigest(bytes)).toBe(createHash("sha256").update(bytes).digest("base64url"));
      expect(await hexDigest(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }),
  );
});

test("a view into a larger buffer is digested as itself", async () => {
  const view = new Uint8Array(16).fill(1).subarray(4, 8);
  expect(await hexDigest(view)).toBe(createHash("sha256").update(view).digest("hex"));
});
