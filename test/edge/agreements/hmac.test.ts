import { createHmac } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HmacKey } from "#edge/agreements/hmac.ts";

const signByNode = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text).digest("base64url");
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const big = "aa".repeat(131);

/** The cases of RFC 4231 whose data is ASCII: key in hex, text, MAC in hex. */
const vectors: [string, string, string, string][] = [
  ["1", "0b".repeat(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
  [
    "2",
    Buffer.from("Jefe").toString("hex"),
    "what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    "6, a key longer than a block",
    big,
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
  [
    "7, and text longer than one",
    big,
    "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be " +
      "hashed before being used by the HMAC algorithm.",
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  ],
];
test.each(vectors)("RFC 4231's case %s", (_name, key, text, mac) => {
  expect(new HmacKey(bytesOf(key)).sign(text)).toBe(Buffer.from(mac, "hex").toString("base64url"));
});

test("texts of every length up to 2,000 are signed as node's own library does", () => {
  const text = Array.from({ length: 2_000 }, (_, at) => String.fromCharCode((at * 89 + (at >> 3)) & 127)).join("");
  const bytes = bytesOf("00ff7f80".repeat(8));
  const key = new HmacKey(bytes);
  const differing = Array.from({ length: text.length + 1 }, (_, length) => text.slice(0, length)).filter(
    (some) => key.sign(some) !== signByNode(bytes, some),
  );
  expect(differing).toEqual([]);
});

test("so they are under random keys, shorter and longer than a block", () => {
  const key = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    fc.constantFrom(63, 64, 65).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  );
  const text = fc.oneof(fc.string({ unit: "binary-ascii", maxLength: 2_000 }), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(key, fc.array(text, { minLength: 1, maxLength: 3 }), (bytes, texts) => {
      const opened = new HmacKey(bytes);
      expect(texts.map((some) => opened.sign(some))).toEqual(texts.map((some) => signByNode(bytes, some)));
    }),
    { numRuns: 1_000 },
  );
});

test("a text is its UTF-8: letters of several bytes, pairs and halves of pairs", () => {
  const bytes = new Uint8Array(32).fill(9);
  const key = new HmacKey(bytes);
  const letters = fc.array(fc.constantFrom("a", "\x7f", "\x80", "é", "€", "👋", "\ud83d", "\udc4b"), {
    maxLength: 600,
  });
  fc.assert(
    fc.property(letters, (some) => void expect(key.sign(some.join(""))).toBe(signByNode(bytes, some.join("")))),
  );
});

test("keys keep apart, whichever sign in turn, and one is as it was opened though its bytes change", () => {
  const bytes = new Uint8Array(32).fill(1);
  const [one, other] = [new HmacKey(bytes), new HmacKey(new Uint8Array(32).fill(2))];
  const before = one.sign("a");
  expect(other.sign("a".repeat(500))).not.toBe(before);
  bytes.fill(3);
  expect([one.sign("a"), one.sign("a".repeat(600))]).toEqual([
    before,
    signByNode(new Uint8Array(32).fill(1), "a".repeat(600)),
  ]);
});

test("a key shows nothing when printed", () => {
  const key = new HmacKey(bytesOf("c0ffee".repeat(11)));
  expect([inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key)]).toEqual(["HmacKey {}", "{}"]);
});
