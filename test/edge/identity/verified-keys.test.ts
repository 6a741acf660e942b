import { beforeAll, expect, test } from "vitest";
import { computeDigests, mintKey, type Keyring } from "#edge/agreements/tokens/key-format.ts";
import { openVerifiedKeys } from "#edge/identity/verified-keys.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { keyringOf, secretOf } from "#test/support/fakes/keyring.ts";

const org = "org_Ab0Cd1Ef2G";
let keyring: Keyring;
beforeAll(async () => {
  keyring = await keyringOf();
});
const mint = (kind: "inference" | "admin" = "inference", by = keyring) => mintKey(kind, org, by, generateRandomBytes);

/** The keyring, and how often one of its keys was used. */
function counted(ring: Keyring): { ring: Keyring; uses: () => number } {
  let uses = 0;
  const tagKeys = new Map(ring.tagKeys);
  const values = tagKeys.values.bind(tagKeys);
  tagKeys.values = () => (uses++, values());
  return { ring: { tagKeys, peppers: ring.peppers }, uses: () => uses };
}

test("a key of ours is whose it says, and is reckoned once; each time it is told the same", () => {
  const { ring, uses } = counted(keyring);
  const keys = openVerifiedKeys(ring);
  const { id, text } = mint();
  const expected = { org, key: id, digests: computeDigests(text, keyring) };
  expect([keys.verify(text), keys.verify(text), keys.verify(`${text}`)]).toEqual([expected, expected, expected]);
  expect([keys.size, uses()]).toEqual([1, 1]);
});

test("what is no inference key of ours is never remembered, and is reckoned each time anew", async () => {
  const { ring, uses } = counted(keyring);
  const keys = openVerifiedKeys(ring);
  const foreign = mint("inference", await keyringOf({ t1: secretOf(77) })).text;
  for (const text of ["", "__proto__", "sk-pen-", mint("admin").text, foreign, foreign, foreign])
    expect(keys.verify(text)).toBeNull();
  expect([keys.size, uses()]).toEqual([0, 3]);
});

test("a known key in another's place is refused: all of its text counts", () => {
  const keys = openVerifiedKeys(keyring);
  const { text } = mint();
  keys.verify(text);
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === "0" ? "1" : "0";
    expect(keys.verify(text.slice(0, at) + other + text.slice(at + 1))).toBeNull();
  }
  expect(keys.size).toBe(1);
});

test("it remembers so many and no more; the one verified longest ago goes first", () => {
  const { ring, uses } = counted(keyring);
  const keys = openVerifiedKeys(ring, 2);
  const [one, two, three] = [mint().text, mint().text, mint().text];
  for (const text of [one, two, three]) expect(keys.verify(text)).not.toBeNull();
  expect([keys.size, uses()]).toEqual([2, 3]);
  keys.verify(two);
  keys.verify(three);
  expect(uses()).toBe(3);
  keys.verify(one);
  expect([keys.size, uses()]).toEqual([2, 4]);
});

test("under another keyring nothing of it is known: a rotated secret begins anew", async () => {
  const { text } = mint();
  expect(openVerifiedKeys(keyring).verify(text)).not.toBeNull();
  expect(openVerifiedKeys(await keyringOf({ t2: secretOf(2) })).verify(text)).toBeNull();
});
