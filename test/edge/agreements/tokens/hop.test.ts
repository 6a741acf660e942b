import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundFactorMax } from "#edge/agreements/records/bound-factor.ts";
import { Endpoint, Tier } from "#edge/agreements/records/model.ts";
import { makeHop, makeOrder, verifyHop, verifyOrder, type HopClaims } from "#edge/agreements/tokens/hop.ts";
import { makeMacToken } from "#edge/agreements/tokens/mac-token.ts";
import { makeNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { ticketCharsMax } from "#edge/agreements/tokens/ticket.ts";
import { nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { hopClaims, onceClaims } from "#test/support/fakes/origin.ts";

const keys = nodeKeysOf("node_test");
const roundTrip = (claims: HopClaims) => verifyHop(makeHop(claims, keys.hop), keys.hop);
const count = fc.maxSafeNat();
const anyClaims: fc.Arbitrary<HopClaims> = fc.record(
  {
    node: fc.stringMatching(/^node_[a-z0-9-]{1,40}$/),
    jti: fc.stringMatching(/^[0-9A-Za-z]{22}$/),
    issuedAtMs: count,
    bodySha256: fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    org: fc.stringMatching(/^org_[0-9A-Za-z]{10}$/),
    hold: fc.stringMatching(/^hold_[0-9A-Za-z]{22}$/),
    attempt: fc.integer({ min: 1, max: 3 }),
    endpoint: fc.constantFrom(...Endpoint.options),
    model: fc.string({ unit: "grapheme", minLength: 1, maxLength: 64 }),
    tier: fc.constantFrom(...Tier.options),
    tokensHeld: count,
    completionTokensMax: count,
    isDefaultMax: fc.boolean(),
    promptTokensGuess: count,
    boundFactor: fc.integer({ min: 2, max: boundFactorMax }),
    ticket: fc.stringMatching(new RegExp(`^[A-Za-z0-9_.~-]{1,${ticketCharsMax}}$`)),
    deadlineMs: count,
    ownTimeoutMs: fc.integer({ min: 1, max: 900_000 }),
    isUrgent: fc.constant(true as const),
    unitTokens: fc.integer({ min: 1, max: 1_000_000 }),
  },
  { noNullPrototype: true },
);

describe("a hop token", () => {
  test("is a line that anyone can read", () => {
    const claims = hopClaims({
      jti: "J".repeat(22),
      issuedAtMs: 1_790_000_000_000,
      bodySha256: "B".repeat(43),
      hold: `hold_${"H".repeat(22)}`,
      model: "Qwen/Qwen2.5 7B:ü",
      ticket: "T",
      deadlineMs: 1_790_000_060_000,
      ownTimeoutMs: 700,
      isUrgent: true,
      unitTokens: 50,
    });
    const [mac, ...fields] = makeHop(claims, keys.hop).split(":").toReversed();
    expect(mac).toMatch(/^[\w-]{43}$/);
    expect(fields.toReversed().join(" ")).toBe(
      `hop1 n1 node_test ${"J".repeat(22)} 1790000000000 ${"B".repeat(43)} org_0123456789 hold_${"H".repeat(22)} ` +
        "1 chat.completions Qwen%2FQwen2.5%207B%3A%C3%BC shared 10000 1000 0   T 1790000060000 700 1 50",
    );
  });

  test("is read as it was made, whatever its terms are", () => {
    fc.assert(
      fc.property(anyClaims, (claims) => {
        expect(roundTrip(claims)).toEqual(claims);
      }),
    );
  });

  test("has no member for what is not said, and keeps a guess of nothing apart from none", () => {
    const optional = ["promptTokensGuess", "boundFactor", "ticket", "ownTimeoutMs", "isUrgent"] as const;
    const least = hopClaims();
    for (const name of optional) delete least[name];
    expect(roundTrip(least)).toStrictEqual(least);
    expect(roundTrip({ ...least, promptTokensGuess: 0 })).toStrictEqual({ ...least, promptTokensGuess: 0 });
  });

  test("says of two different calls two different things: no field runs into the next", () => {
    fc.assert(
      fc.property(anyClaims, anyClaims, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(makeHop(one, keys.hop)).not.toBe(makeHop(other, keys.hop));
      }),
    );
  });

  test("may have fields that only a newer edge knows: an agent goes by those that it does", () => {
    const claims = hopClaims();
    const [kind = "", kid, ...fields] = makeHop(claims, keys.hop).split(":").slice(0, -1);
    expect(kid).toBe("n1");
    expect(verifyHop(makeMacToken(kind, [...fields, "new", ""], keys.hop), keys.hop)).toEqual(claims);
    expect(verifyHop(makeMacToken(kind, fields.slice(0, -1), keys.hop), keys.hop)).toBeNull();
  });

  test.each<[string, Partial<HopClaims>]>([
    ["a node of another form", { node: "node_A" }],
    ["a short id", { jti: "short" }],
    ["a time with a fraction", { issuedAtMs: 0.5 }],
    ["a digest of another length", { bodySha256: "A" }],
    ["an org of another form", { org: "org_1" }],
    ["a hold that is none", { hold: "hold_1" }],
    ["attempt 0", { attempt: 0 }],
    ["no model", { model: "" }],
    ["a negative hold", { tokensHeld: -1 }],
    ["a hold that no number keeps", { tokensHeld: 2 ** 53 }],
    ["a bound in words", { completionTokensMax: Number.NaN }],
    ["a bound without end", { completionTokensMax: Infinity }],
    ["a guess that is none", { promptTokensGuess: 1.5 }],
    ["a guess that no number keeps", { promptTokensGuess: 2 ** 53 }],
    ["a factor of one", { boundFactor: 1 }],
    ["a caller who does not wait at all", { ownTimeoutMs: 0 }],
    ["a factor beyond the greatest", { boundFactor: boundFactorMax + 1 }],
    ["a ticket with a colon", { ticket: "a:b" }],
    ["a ticket that is too long", { ticket: "A".repeat(ticketCharsMax + 1) }],
    ["a deadline before 1970", { deadlineMs: -1 }],
    ["a deadline that no number keeps", { deadlineMs: 2 ** 53 }],
  ])("with %s is refused, though it was signed", (_, over) => {
    expect(roundTrip(hopClaims(over))).toBeNull();
  });

  test("with a model, endpoint or tier that is none is refused, though it was signed", () => {
    const [kind = "", , ...fields] = makeHop(hopClaims({ model: "m", tier: "shared" }), keys.hop)
      .split(":")
      .slice(0, -1);
    const replace = (known: string, by: string) => {
      expect(fields).toContain(known);
      return verifyHop(
        makeMacToken(
          kind,
          fields.map((field) => (field === known ? by : field)),
          keys.hop,
        ),
        keys.hop,
      );
    };
    expect(replace("m", "n")).toMatchObject({ model: "n" });
    for (const model of ["%FF", "%", "%2f", "m/n", "é"]) expect(replace("m", model), model).toBeNull();
    for (const tier of ["Shared", "sharedx", ""]) expect(replace("shared", tier), tier).toBeNull();
    for (const endpoint of ["chat-completions", "chat.completionsx", "toString"])
      expect(replace("chat.completions", endpoint), endpoint).toBeNull();
  });
});

describe("kinds and directions", () => {
  const order = { ...onceClaims(), order: "drain" } as const;
  test("an order is read as an order, and only as the one that it is", () => {
    for (const name of ["drain", "undrain", "models"] as const)
      expect(verifyOrder(makeOrder({ ...order, order: name }, keys.hop), keys.hop)).toEqual({ ...order, order: name });
    const [kind = "", , ...fields] = makeOrder(order, keys.hop).split(":").slice(0, -1);
    expect(verifyOrder(makeMacToken(kind, [...fields.slice(0, -1), "stop"], keys.hop), keys.hop)).toBeNull();
  });

  test("a call is no order, an order no call, and what a node signs neither", () => {
    const call = makeHop(hopClaims(), keys.hop);
    const post = makeNodeToken(onceClaims(), keys.hop);
    expect(verifyOrder(call, keys.hop)).toBeNull();
    expect(verifyHop(makeOrder(order, keys.hop), keys.hop)).toBeNull();
    expect([verifyHop(post, keys.hop), verifyOrder(post, keys.hop)]).toEqual([null, null]);
  });

  test("under the node's own keys, or another node's, they are nothing", () => {
    for (const foreign of [keys.node, nodeKeysOf("node_other").hop]) {
      expect(verifyHop(makeHop(hopClaims(), foreign), keys.hop)).toBeNull();
      expect(verifyOrder(makeOrder(order, foreign), keys.hop)).toBeNull();
    }
  });
});
