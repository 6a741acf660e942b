import fc from "fast-check";
import { expect, test } from "vitest";
import { makeHop } from "#edge/agreements/tokens/hop.ts";
import { makeNodeToken, readNamedNode, verifyNodeToken, type NodeClaims } from "#edge/agreements/tokens/node-token.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";
import { nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { hopClaims } from "#test/support/fakes/origin.ts";

const keys = nodeKeysOf("node_a");
const claims: NodeClaims = { node: "node_a", issuedAtMs: 1_790_000_000_000, bodySha256: "A".repeat(43) };

test("a node token is a line that anyone can read", () => {
  expect(makeNodeToken(claims, keys.node)).toMatch(/^node1:n1:node_a:1790000000000:A{43}:[\w-]{43}$/);
});

test("what is made is read as it was, and names its node before it is verified", () => {
  const digest = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
  const any = fc.record({
    node: fc.stringMatching(/^node_[a-z0-9-]{1,40}$/),
    issuedAtMs: fc.maxSafeNat(),
    bodySha256: digest,
  });
  fc.assert(
    fc.property(any, (claims) => {
      const token = makeNodeToken(claims, keys.node);
      expect(verifyNodeToken(token, keys.node)).toEqual(claims);
      expect(readNamedNode(token)).toBe(claims.node);
    }),
  );
});

test.each<[string, string]>([
  ["another node's keys", makeNodeToken(claims, nodeKeysOf("node_b").node)],
  ["the keys of the other direction", makeNodeToken(claims, keys.hop)],
  ["another master of the same kid", makeNodeToken(claims, nodeKeysOf("node_a", { n1: secretOf(99) }).node)],
  ["another kid of the same master", makeNodeToken(claims, nodeKeysOf("node_a", { n2: secretOf(11) }).node)],
])("a token under %s is none", (_, token) => {
  expect(readNamedNode(token)).toBe("node_a");
  expect(verifyNodeToken(token, keys.node)).toBeNull();
});

test.each<[string, Partial<NodeClaims>]>([
  ["a time that is no number", { issuedAtMs: Number.NaN }],
  ["a time before 1970", { issuedAtMs: -1 }],
  ["a time with a fraction", { issuedAtMs: 0.5 }],
  ["a time that no number keeps", { issuedAtMs: 2 ** 53 }],
  ["a node with a colon in it", { node: "node_a:1" }],
  ["a node of another form", { node: "node_A" }],
  ["a digest that is too long", { bodySha256: "A".repeat(44) }],
  ["a digest of other characters", { bodySha256: "+".repeat(43) }],
])("%s is refused, though it was signed", (_, over) => {
  expect(verifyNodeToken(makeNodeToken({ ...claims, ...over }, keys.node), keys.node)).toBeNull();
});

test("a hop token is no node token, not even under the same keys", () => {
  const hop = makeHop(hopClaims({ node: "node_a" }), keys.node);
  expect([verifyNodeToken(hop, keys.node), readNamedNode(hop)]).toEqual([null, null]);
});
