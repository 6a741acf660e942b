import { createHmac, hkdfSync } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  deriveNodeKeys,
  NodeKeyTexts,
  NodeMasterKeys,
  openNodeKeyFinder,
  openNodeKeys,
} from "#edge/agreements/tokens/node-keys.ts";
import { makeNodeToken, verifyNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";

const masters = { n1: secretOf(1), n2: secretOf(2) };

/** RFC 5869 by hand: extract without a salt, then the first block of expand. */
function expand(master: string, info: string): string {
  const prk = createHmac("sha256", Buffer.alloc(32)).update(Buffer.from(master, "base64url")).digest();
  return createHmac("sha256", prk).update(info).update(Buffer.of(1)).digest("base64url");
}

describe("a node's keys", () => {
  test("are HKDF-SHA-256 of each master, by purpose and node", () => {
    expect(deriveNodeKeys(masters, "node_a")).toEqual({
      n1: { hop: expand(masters.n1, "penstock/1/hop/node_a"), node: expand(masters.n1, "penstock/1/node/node_a") },
      n2: { hop: expand(masters.n2, "penstock/1/hop/node_a"), node: expand(masters.n2, "penstock/1/node/node_a") },
    });
  });

  test("the HKDF that is used is RFC 5869's: its third test case", () => {
    const okm = Buffer.from(hkdfSync("sha256", Buffer.alloc(22, 0x0b), new Uint8Array(), "", 42)).toString("hex");
    expect(okm).toMatch(/^8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d/);
  });

  test("are never those of another node, master or purpose", () => {
    const node = fc.stringMatching(/^node_[a-z0-9-]{1,40}$/);
    fc.assert(
      fc.property(node, node, (one, other) => {
        fc.pre(one !== other);
        const keys = [one, other].flatMap((id) => Object.values(deriveNodeKeys(masters, id)));
        expect(new Set(keys.flatMap(({ hop, node }) => [hop, node])).size).toBe(8);
      }),
      { numRuns: 50 },
    );
  });

  test("are found for configured nodes alone, derived once, and show nothing when printed", () => {
    const find = openNodeKeyFinder(masters, ["node_a"]);
    const found = find("node_a") ?? expect.fail("not found");
    expect(find("node_a")).toBe(found);
    for (const other of ["node_b", "constructor", ""]) expect(find(other)).toBeNull();
    expect(inspect(found, { depth: 9 })).not.toContain(deriveNodeKeys(masters, "node_a").n1?.hop);
    const claims = { node: "node_a", issuedAtMs: 1, bodySha256: "A".repeat(43) };
    const ofAgent = openNodeKeys(deriveNodeKeys(masters, "node_a"));
    expect(verifyNodeToken(makeNodeToken(claims, ofAgent.node), found.node)).toEqual(claims);
  });
});

describe("what stands in a config", () => {
  test("masters are one or two secrets by kid, and a kid begins with a letter", () => {
    for (const good of [masters, { n1: masters.n1 }, { "a-2": `${masters.n1}A` }])
      expect(NodeMasterKeys.safeParse(good).success).toBe(true);
    for (const bad of [
      {},
      { ...masters, n3: secretOf(3) },
      { "1": masters.n1 },
      { N1: masters.n1 },
      { n1: "short" },
      { [masters.n1]: "n1" },
      null,
      [masters.n1],
    ])
      expect(NodeMasterKeys.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
  });

  test("derived keys are what a config takes, in the order of their masters", () => {
    const texts = deriveNodeKeys({ n2: masters.n2, n1: masters.n1 }, "node_a");
    expect(Object.keys(NodeKeyTexts.parse(texts))).toEqual(["n2", "n1"]);
    expect(NodeKeyTexts.safeParse({ n1: { ...texts["n1"], more: "A".repeat(43) } }).success).toBe(false);
  });
});
