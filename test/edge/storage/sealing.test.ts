import fc from "fast-check";
import { expect, test } from "vitest";
import { mintOrgKey, openMasterKeys, openOrgKey, rewrapOrgKey, seal, unseal } from "#edge/storage/sealing.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { org, otherOrg } from "./world.ts";

const [one, two] = ["A".repeat(43), "B".repeat(43)];
const mint = async (secrets: Record<string, string>) =>
  mintOrgKey(org, await openMasterKeys(secrets), generateRandomBytes);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (words: string) => new TextEncoder().encode(words);

test("what was sealed opens under its name, and shows nothing; the same bytes never look alike", async () => {
  const masters = await openMasterKeys({ s1: one });
  const key = await openOrgKey(org, await mint({ s1: one }), masters);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), async (plain, name) => {
      const [sealed, again] = await Promise.all([1, 2].map(() => seal(key, plain, name, generateRandomBytes)));
      if (!sealed || !again) throw new Error("not sealed");
      expect(await unseal(key, sealed, name)).toEqual(new Uint8Array(plain));
      expect([sealed.length, sealed]).toEqual([plain.length + 28, expect.not.objectContaining(again)]);
      expect(Array.from(sealed)).not.toEqual(Array.from(again));
    }),
    { numRuns: 20 },
  );
});

test("nothing opens under another name, with another key, or once a bit of it is another", async () => {
  const masters = await openMasterKeys({ s1: one });
  const [wrapped, other] = [await mint({ s1: one }), await mint({ s1: one })];
  const key = await openOrgKey(org, wrapped, masters);
  const sealed = await seal(key, bytes("a secret"), "name", generateRandomBytes);
  await expect(unseal(key, sealed, "another")).rejects.toThrow();
  await expect(unseal(await openOrgKey(org, other, masters), sealed, "name")).rejects.toThrow();
  for (const at of [0, 12, sealed.length - 1]) {
    const bent = sealed.map((byte, index) => (index === at ? byte ^ 1 : byte));
    await expect(unseal(key, bent, "name")).rejects.toThrow();
  }
  await expect(openOrgKey(otherOrg, wrapped, masters)).rejects.toThrow();
  await expect(openOrgKey(org, { ...wrapped, id: other.id }, masters)).rejects.toThrow();
  await expect(openOrgKey(org, wrapped, await openMasterKeys({ s1: two }))).rejects.toThrow();
});

test("master keys turn: both open, the first seals, and what it sealed anew needs it alone", async () => {
  const old = await mint({ s1: one });
  const both = await openMasterKeys({ s2: two, s1: one });
  expect([old.kid, (await mintOrgKey(org, both, generateRandomBytes)).kid]).toEqual(["s1", "s2"]);
  const sealed = await seal(await openOrgKey(org, old, both), bytes("a secret"), "name", generateRandomBytes);
  const anew = await rewrapOrgKey({ org, ...old }, both, generateRandomBytes);
  expect([anew.id, anew.kid, anew.wrapped === old.wrapped]).toEqual([old.id, "s2", false]);
  const alone = await openMasterKeys({ s2: two });
  expect(text(await unseal(await openOrgKey(org, anew, alone), sealed, "name"))).toBe("a secret");
  await expect(openOrgKey(org, old, alone)).rejects.toThrow("STORE_KEYS has no key");
  await expect(openMasterKeys({})).rejects.toThrow("no secret");
});
