import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { digestBody, digestHex } from "#edge/agreements/digest.ts";

/** Both forms of a digest, by ours and by node's own library. */
function compare(input: Uint8Array | string): void {
  const byNode = () => createHash("sha256").update(input);
  expect([digestBody(input), digestHex(input)]).toEqual([byNode().digest("base64url"), byNode().digest("hex")]);
}

test("digests are SHA-256, as node's own library writes them", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), compare));
});

test("so they are on both sides of where node's own library takes over", () => {
  for (let length = 0; length <= 1_100; length++) compare(new Uint8Array(length).fill(length));
});

test("text is digested as its UTF-8: letters of several bytes, pairs and halves of pairs", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), compare));
  const halves = fc.array(fc.constantFrom("a", "é", "€", "👋", "\ud83d", "\udc4b"), { maxLength: 300 });
  fc.assert(fc.property(halves, (letters) => compare(letters.join(""))));
  for (const length of [170, 171, 512, 513]) compare("€".repeat(length));
});

test("a view into a larger buffer is digested as itself", () => {
  compare(new Uint8Array(16).fill(1).subarray(4, 8));
});
