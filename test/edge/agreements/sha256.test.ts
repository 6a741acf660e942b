import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashSha256 } from "#edge/agreements/sha256.ts";

const toHex = (words: Int32Array) => Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
const hashByNode = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const encoder = new TextEncoder();

/** The examples that NIST gives for FIPS 180-4 (SHA256.pdf, SHA2_Additional.pdf), and the empty message. */
const vectors: [string, Uint8Array, string][] = [
  ["nothing", new Uint8Array(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", encoder.encode("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "two blocks",
    encoder.encode("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  ["0xbd", Uint8Array.of(0xbd), "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"],
  [
    "c98c8e55",
    Uint8Array.of(0xc9, 0x8c, 0x8e, 0x55),
    "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504",
  ],
  ["55 zeros", new Uint8Array(55), "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"],
  ["56 zeros", new Uint8Array(56), "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"],
  ["57 zeros", new Uint8Array(57), "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"],
  ["64 zeros", new Uint8Array(64), "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"],
  ["1,000 zeros", new Uint8Array(1_000), "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"],
  [
    "1,000 times A",
    new Uint8Array(1_000).fill(0x41),
    "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4",
  ],
  [
    "1,005 times U",
    new Uint8Array(1_005).fill(0x55),
    "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0",
  ],
  ["a million zeros", new Uint8Array(1_000_000), "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025"],
];
test.each(vectors)("the standard's example: %s", (_name, bytes, hex) => {
  expect(toHex(hashSha256(bytes))).toBe(hex);
});

test("every length up to 4,096 is hashed as node's own library does", () => {
  const bytes = Uint8Array.from({ length: 4_096 }, (_, at) => (at * 167 + (at >> 3)) & 255);
  const differing = Array.from({ length: bytes.length + 1 }, (_, length) => length).filter(
    (length) => toHex(hashSha256(bytes.subarray(0, length))) !== hashByNode(bytes.subarray(0, length)),
  );
  expect(differing).toEqual([]);
});

test("so are random bytes, and a view into a larger buffer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat({ max: 20 }), (bytes, skipped) => {
      const view = bytes.subarray(Math.min(skipped, bytes.length));
      expect(toHex(hashSha256(view))).toBe(hashByNode(view));
    }),
  );
});

test("one hash leaves nothing behind for the next", () => {
  const [long, short] = [new Uint8Array(63).fill(255), new Uint8Array(1)];
  const before = toHex(hashSha256(short));
  const kept = hashSha256(long);
  expect([toHex(hashSha256(short)), toHex(kept)]).toEqual([before, hashByNode(long)]);
});
