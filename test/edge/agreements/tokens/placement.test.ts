import fc from "fast-check";
import { expect, test } from "vitest";
import { base62, OrgId } from "#edge/agreements/tokens/ids.ts";
import { findPlacement, locateLedger, locateOwn, mintOrgId } from "#edge/agreements/tokens/placement.ts";
import { generateRandomBytes } from "#edge/visit.ts";

const reference = fc.string({ unit: fc.constantFrom(...base62), minLength: 9, maxLength: 9 });

test("where an org is looked for never changes: these are the objects of orgs that exist", () => {
  const found = ["1000000000", "1000000001", "1zzzzzzzzz", "1AbCdEfGhI", "1qRsTuVwX9", "1Penstock0"].map(
    (text) => locateLedger(`org_${text}`).name,
  );
  expect(found).toEqual([12, 26, 43, 38, 14, 41].map((shard) => `shard-1-${shard}`));
});

test("an org that begins with a shard's character is in one of 64 shards, any other in an object of its name", () => {
  fc.assert(
    fc.property(fc.constantFrom(...base62), reference, (character, rest) => {
      const org = `org_${character}${rest}`;
      const location = locateLedger(org);
      const shard = /^shard-1-(\d+)$/.exec(location.name)?.[1];
      const isShard = character === "1";
      expect(findPlacement(org)).toBe(isShard ? "shards" : "own");
      expect(location).toEqual(isShard ? { name: `shard-1-${shard}`, region: null } : locateOwn(org));
      if (isShard) expect(Number(shard)).toBeLessThan(64);
    }),
  );
});

test("a minted id is one, and is placed as it was wished", () => {
  for (const kind of ["own", "shards"] as const) {
    const org = mintOrgId(kind, generateRandomBytes);
    expect([OrgId.safeParse(org).success, findPlacement(org)]).toEqual([true, kind]);
  }
});

test("orgs are spread over all shards: none has more than twice its share", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 6_400; i++) {
    const { name } = locateLedger(mintOrgId("shards", generateRandomBytes));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  expect(counts.size).toBe(64);
  expect(Math.max(...counts.values())).toBeLessThan(200);
});
