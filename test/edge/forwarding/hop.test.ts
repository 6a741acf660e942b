import { decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { signHop, type HopTerms } from "#edge/forwarding/hop.ts";
import { hopKeys } from "#test/support/stack/node.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const terms: HopTerms = {
  aud: "node_a",
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

describe("a hop token", () => {
  test("verifies with the public key alone, says its terms and lives sixty seconds", async () => {
    const { hopKey, publicKey } = await hopKeys();
    const visit = visitOf();
    visit.nowMs += 999;
    const token = await signHop(terms, hopKey, visit);
    expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", kid: "h1" });
    const { payload } = await jwtVerify(token, publicKey, {
      issuer: "penstock-edge",
      audience: "node_a",
      algorithms: ["EdDSA"],
      currentDate: new Date(visit.now()),
    });
    const issued = startedAtMs / 1_000;
    expect(HopClaims.parse(payload)).toEqual({
      ...terms,
      iss: "penstock-edge",
      iat: issued,
      exp: issued + 60,
      jti: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
    });
    expect(Object.keys(payload).toSorted()).toEqual([...Object.keys(terms), "iss", "iat", "exp", "jti"].toSorted());
  });

  test("is never the same twice", async () => {
    const { hopKey } = await hopKeys();
    const visit = visitOf();
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => signHop(terms, hopKey, visit)))).size).toBe(50);
  });

  test("of another key, for another node or past its minute does not verify", async () => {
    const [{ hopKey, publicKey }, stranger] = [await hopKeys(), await hopKeys()];
    const token = await signHop(terms, hopKey, visitOf());
    const at = (ms: number) => ({ audience: "node_a", currentDate: new Date(startedAtMs + ms) });
    await expect(jwtVerify(token, publicKey, at(59_000))).resolves.toBeDefined();
    await expect(jwtVerify(token, publicKey, at(61_000))).rejects.toThrow();
    await expect(jwtVerify(token, stranger.publicKey, at(0))).rejects.toThrow();
    await expect(jwtVerify(token, publicKey, { ...at(0), audience: "node_b" })).rejects.toThrow();
  });
});
