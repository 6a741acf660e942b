import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { digestBody, digestHex } from "#edge/agreements/digest.ts";

test("digests are SHA-256, as node's own library writes them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      expect(await digestBody(bytes)).toBe(createHash("sha256").update(bytes).digest("base64url"));
      expect(await digestHex(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }),
  );
});

test("a view into a larger buffer is digested as itself", async () => {
  const view = new Uint8Array(16).fill(1).subarray(4, 8);
  expect(await digestHex(view)).toBe(createHash("sha256").update(view).digest("hex"));
});
