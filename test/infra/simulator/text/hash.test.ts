import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hashText, hashHex, mix } from "#infra/simulator/text/hash.ts";

test("a mix is an unsigned 32-bit integer, and the same every time", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (hash, value) => {
      const mixed = mix(hash, value);
      expect(mixed).toBe(mixed >>> 0);
      expect(mix(hash, value)).toBe(mixed);
    }),
  );
});

test("texts that differ hash apart", () => {
  const texts = Array.from({ length: 10_000 }, (_, at) => `text ${at}`);
  expect(new Set(texts.map((text) => hashText(text))).size).toBeGreaterThan(9_990);
});

test("hexOf has as many digits as requested", () => {
  expect(hashHex("chat", 16)).toMatch(/^[0-9a-f]{16}$/);
  expect(hashHex("chat", 3)).toHaveLength(3);
});
