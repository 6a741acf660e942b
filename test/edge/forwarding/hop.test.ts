import { describe, expect, test } from "vitest";
import { verifyHop } from "#edge/agreements/tokens/hop.ts";
import { signHop, type HopTerms } from "#edge/forwarding/hop.ts";
import { findKeysOf, nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const terms: HopTerms = {
  node: "node_a",
  org: "org_0123456789",
  hold: "hold_0123456789012345678901",
  attempt: 1,
  endpoint: "chat.completions",
  model: "m",
  tier: "shared",
  tokensHeld: 100,
  completionTokensMax: 10,
  isDefaultMax: false,
  deadlineMs: startedAtMs + 1_000,
  bodySha256: "A".repeat(43),
};
const findKeys = findKeysOf("node_a", "node_b");

describe("a hop token", () => {
  test("says its terms and its time to the millisecond, to the node that it is for", () => {
    const visit = visitOf();
    visit.nowMs += 999;
    const token = signHop(terms, findKeys, visit);
    expect(verifyHop(token, nodeKeysOf("node_a").hop)).toEqual({
      ...terms,
      issuedAtMs: startedAtMs + 999,
      jti: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
    });
    expect(verifyHop(token, nodeKeysOf("node_b").hop)).toBeNull();
  });

  test("is never the same twice", () => {
    const visit = visitOf();
    expect(new Set(Array.from({ length: 50 }, () => signHop(terms, findKeys, visit))).size).toBe(50);
  });

  test("is made for configured nodes only: others have no keys", () => {
    expect(() => signHop({ ...terms, node: "node_x" }, findKeys, visitOf())).toThrow("node_x");
  });
});
