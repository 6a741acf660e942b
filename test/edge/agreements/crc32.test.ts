import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { computeCrc32 } from "#edge/agreements/crc32.ts";

test("it is the CRC-32 of the standard's check value, and of any bytes what zlib says", () => {
  expect(computeCrc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  fc.assert(fc.property(fc.uint8Array(), (bytes) => computeCrc32(bytes) === crc32(bytes)));
});
