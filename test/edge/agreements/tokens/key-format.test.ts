import { inspect } from "node:util";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { base62 } from "#edge/agreements/tokens/ids.ts";
import {
  computeDigests,
  isSameText,
  isTagged,
  mintKey,
  openKeyring,
  isSecret,
  readKey,
  type Keyring,
  type KeyKind,
} from "#edge/agreements/tokens/key-format.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { keyringOf, secretOf } from "#test/support/fakes/keyring.ts";

const org = "org_Ab0Cd1Ef2G";
const kinds: KeyKind[] = ["inference", "admin"];
const text = (chars: number) =>
  fc.array(fc.constantFrom(...base62), { minLength: chars, maxLength: chars }).map((all) => all.join(""));

/** The public checksum, written anew from zip's CRC-32 and base62, as a secret scanner would. */
function withChecksum(tagged: string): string {
  let rest = crc32(tagged);
  let sum = "";
  for (let i = 0; i < 6; i++, rest = Math.floor(rest / 62)) sum = base62[rest % 62] + sum;
  return tagged + sum;
}

describe("a key of ours", () => {
  let keyring: Keyring;
  beforeAll(async () => {
    keyring = await keyringOf();
  });

  test("reads back as what it was minted for, and carries our tag", async () => {
    await fc.assert(
      fc.asyncProperty(
        text(10),
        fc.constantFrom(...kinds),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        async (ref, kind, seed) => {
          let at = 0;
          const random = (bytes: number) =>
            Uint8Array.from({ length: bytes }, () => ((seed[at % 32] ?? 0) * 31 + 7 * at++) & 255);
          const minted = await mintKey(kind, `org_${ref}`, keyring, random);
          expect(minted.text).toMatch(
            kind === "admin"
              ? /^sk-pen-admin-[0-9A-Za-z]{16}-[0-9A-Za-z]{47}$/
              : /^sk-pen-[0-9A-Za-z]{16}-[0-9A-Za-z]{47}$/,
          );
          const read = readKey(minted.text);
          expect(read).toEqual({ kind, org: `org_${ref}`, key: minted.id, text: minted.text });
          expect(read && (await isTagged(read, keyring))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("stores a digest under the first pepper, and nothing from which the key follows", async () => {
    const two = await keyringOf({ t1: secretOf(1) }, { p2: secretOf(102), p1: secretOf(101) });
    const minted = await mintKey("inference", org, two, generateRandomBytes);
    const { text: shown, ...stored } = minted;
    expect(minted.pepperKid).toBe("p2");
    expect(minted.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await computeDigests(shown, two)).toContainEqual({ kid: "p2", digest: minted.digest });
    const secret = shown.slice("sk-pen-".length + 17, -14);
    expect(JSON.stringify(stored)).not.toContain(secret.slice(0, 8));
    expect(minted.hint).toBe(`sk-pen-${org.slice(4)}${minted.id.slice(-6)}…${shown.slice(-4)}`);
  });

  test("two keys of one org share its reference and nothing else", async () => {
    const [one, other] = await Promise.all([
      mintKey("inference", org, keyring, generateRandomBytes),
      mintKey("inference", org, keyring, generateRandomBytes),
    ]);
    expect(one.text).not.toBe(other.text);
    expect(one.id).not.toBe(other.id);
    expect(one.id.slice(0, 14)).toBe(other.id.slice(0, 14));
  });

  test("has no second reading: every change of one character is refused without a secret", async () => {
    for (const kind of kinds) {
      const { text: good } = await mintKey(kind, org, keyring, generateRandomBytes);
      const survivors: string[] = [];
      for (let at = 0; at < good.length; at++) {
        for (const char of `${base62}-_ `) {
          const bad = good.slice(0, at) + char + good.slice(at + 1);
          if (bad !== good && readKey(bad)) survivors.push(bad);
        }
      }
      expect(survivors).toEqual([]);
    }
  });

  test("is refused when characters are dropped, doubled, swapped or put around it", async () => {
    const { text: good } = await mintKey("inference", org, keyring, generateRandomBytes);
    const bad = [
      `${good} `,
      ` ${good}`,
      `${good}\n`,
      good.slice(1),
      good.slice(0, -1),
      good + good,
      good.toUpperCase(),
      good.replace("sk-pen-", "sk-pen-admin-"),
      "",
      "sk-pen-",
    ];
    for (let at = 0; at + 1 < good.length; at++) {
      bad.push(good.slice(0, at) + good.slice(at + 1));
      if (good[at] !== good[at + 1]) bad.push(good.slice(0, at) + good[at + 1] + good[at] + good.slice(at + 2));
    }
    expect(bad.filter((text) => readKey(text))).toEqual([]);
  });

  test("an inference key does not become an admin key by a new prefix and a right checksum", async () => {
    const { text: good } = await mintKey("inference", org, keyring, generateRandomBytes);
    const forged = withChecksum(good.slice(0, -6).replace("sk-pen-", "sk-pen-admin-"));
    const read = readKey(forged);
    expect(read?.kind).toBe("admin");
    expect(read && (await isTagged(read, keyring))).toBe(false);
  });
});

describe("a key that we did not make", () => {
  test("passes the public checksum and dies at the tag", async () => {
    const keyring = await keyringOf();
    await fc.assert(
      fc.asyncProperty(text(16), text(33), text(8), async (ref, secret, tag) => {
        const read = readKey(withChecksum(`sk-pen-${ref}-${secret}${tag}`));
        expect(read).not.toBeNull();
        expect(read && (await isTagged(read, keyring))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test("that was tagged under a key of another gateway dies at the tag", async () => {
    const minted = await mintKey("inference", org, await keyringOf({ t1: secretOf(9) }), generateRandomBytes);
    const read = readKey(minted.text);
    expect(read && (await isTagged(read, await keyringOf()))).toBe(false);
  });
});

describe("rotation of secrets", () => {
  test("a key tagged under the second live tag key is ours; under a retired one it is not", async () => {
    const { text: old } = await mintKey("inference", org, await keyringOf({ t1: secretOf(1) }), generateRandomBytes);
    const read = readKey(old);
    expect(read && (await isTagged(read, await keyringOf({ t2: secretOf(2), t1: secretOf(1) })))).toBe(true);
    expect(read && (await isTagged(read, await keyringOf({ t2: secretOf(2) })))).toBe(false);
  });

  test("new keys are tagged under the first tag key", async () => {
    const { text: fresh } = await mintKey(
      "inference",
      org,
      await keyringOf({ t2: secretOf(2), t1: secretOf(1) }),
      generateRandomBytes,
    );
    const read = readKey(fresh);
    expect(read && (await isTagged(read, await keyringOf({ t2: secretOf(2) })))).toBe(true);
  });

  test("a key is digested under each live pepper, by kid, and each digest is different", async () => {
    const digests = await computeDigests(
      "any text",
      await keyringOf({ t1: secretOf(1) }, { p1: secretOf(101), p2: secretOf(102) }),
    );
    expect(digests.map(({ kid }) => kid)).toEqual(["p1", "p2"]);
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(2);
  });
});

describe("secrets", () => {
  const long = secretOf(7, 48);
  const bad: [string, string][] = [
    ["empty", ""],
    ["short by a byte", secretOf(1, 31)],
    ["padded", `${secretOf(1)}=`],
    ["plain base64", Buffer.alloc(33, 255).toString("base64")],
    ["a sentence", "correct horse battery staple, correct horse battery staple"],
    ["of a length that no bytes encode to", "A".repeat(45)],
    ["of another length that no bytes encode to", "A".repeat(65)],
  ];
  for (const [name, secret] of bad) {
    test(`a secret that is ${name} is refused by its kid, and is not printed`, async () => {
      const failure: unknown = await openKeyring({
        tagKeys: { t1: long, "the-bad-one": secret },
        peppers: { p1: long },
      }).catch((cause: unknown) => cause);
      expect(failure).toBeInstanceOf(Error);
      expect(String(failure)).toContain("the-bad-one");
      if (secret) expect(String(failure)).not.toContain(secret);
    });
  }

  test("a secret is one exactly when it is base64url of 32 bytes or more", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        (bytes) => void expect(isSecret(Buffer.from(bytes).toString("base64url"))).toBe(bytes.length >= 32),
      ),
    );
    for (const [, secret] of bad) expect(isSecret(secret)).toBe(false);
    expect(isSecret(`${secretOf(1)}\n`)).toBe(false);
  });

  test("an empty set of tag keys or peppers is refused", async () => {
    await expect(openKeyring({ tagKeys: {}, peppers: { p1: long } })).rejects.toThrow(TypeError);
    await expect(openKeyring({ tagKeys: { t1: long }, peppers: {} })).rejects.toThrow(TypeError);
  });

  test("they do not show when a keyring is printed", async () => {
    const keyring = await keyringOf();
    const printed = inspect(keyring, { depth: 9 }) + JSON.stringify([...keyring.tagKeys, ...keyring.peppers]);
    for (const secret of [secretOf(1), secretOf(101)]) {
      expect(printed).not.toContain(secret);
      expect(printed).not.toContain([...Buffer.from(secret, "base64url").subarray(0, 4)].join(","));
    }
  });
});

test("texts are the same exactly when they are equal", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      (one, other) => isSameText(one, other) === (one === other) && isSameText(one, one),
    ),
  );
});
