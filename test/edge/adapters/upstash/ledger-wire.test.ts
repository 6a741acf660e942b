import { describe, expect, test } from "vitest";
import {
  askArgs, credentialArgs, keysOf, read, readAdmission, readLook, readPublished, readRelease, readSettlements, readState, recordArgs,
} from "../../../../edge/adapters/upstash/ledger-wire.ts";
import { z } from "zod";
import { askOf, digest, freshHold, keyRecord, recordOf } from "../../../contracts/ledger-fixtures.ts";

const org = "org_0123456789";

describe("what is sent", () => {
  test("all keys of an org lie in one slot, and no two orgs share one by accident", () => {
    expect(new Set(keysOf(org)).size).toBe(9);
    for (const key of keysOf(org)) expect(key.slice(0, 26)).toBe(`penstock:{${org}}:`.slice(0, 26));
  });

  test("no argument of an ask or a record holds a line break, whatever callers and engines wrote", () => {
    const model = "a\nb";
    const args = askArgs(askOf(org, { idempotency: { key: "k\n1", body: "b\n2" } }));
    expect([...args.slice(12), ...recordArgs([recordOf(org, freshHold(), { responseId: "x\ny" })])].join("")).not.toContain("\n");
    expect(JSON.parse(`{${askArgs(askOf(org, { model }))[14]}}`)).toMatchObject({ model, org });
  });

  test("digests come last, two by two", () => {
    expect(askArgs(askOf(org)).slice(15)).toEqual(["", "p1", digest]);
    expect(credentialArgs(askOf(org)).slice(2)).toEqual(["", "p1", digest]);
    expect(recordArgs([recordOf(org, freshHold()), recordOf(org, freshHold())])).toHaveLength(16);
  });
});

test("of a client token only goes what its scopes say of this call", () => {
  const withToken = (endpoints: ["embeddings"] | null, models: string[] | null) => askOf(org, { digests: [], token: { endpoints, models } });
  expect([withToken(null, null), withToken(["embeddings"], null), withToken(null, ["big"]), withToken(["embeddings"], [])].map((ask) => askArgs(ask)[15])).toEqual(["11", "01", "10", "00"]);
  expect(credentialArgs(withToken(["embeddings"], []))[2]).toBe("11");
});

describe("what is read", () => {
  const ask = askOf(org);
  const rates = [60, 59, 61_000, null, null, null];

  test("a grant, with the hold that was asked for", () => {
    expect(readAdmission(ask, ["grant", 30, 20, 5, ...rates])).toEqual({
      kind: "grant", hold: ask.hold, tokensHeld: 30, completionTokens: 20, expiresAtMs: 5, rates: { requests: { limit: 60, remaining: 59, resetMs: 61_000 }, tokens: null },
    });
  });

  test("every denial", () => {
    for (const reason of ["key", "ip", "endpoint", "model", "idempotency_mismatch"]) expect(readAdmission(ask, ["denial", reason])).toEqual({ kind: "denial", reason });
    expect(readAdmission(ask, ["denial", "idempotency_in_progress", 1_000])).toEqual({ kind: "denial", reason: "idempotency_in_progress", retryAfterMs: 1_000 });
    expect(readAdmission(ask, ["denial", "idempotency_replayed", ask.hold, '"chatcmpl-1"', 1, 2])).toEqual({
      kind: "denial", reason: "idempotency_replayed", first: { hold: ask.hold, responseId: "chatcmpl-1", promptTokens: 1, completionTokens: 2 },
    });
    expect(readAdmission(ask, ["denial", "rate", "requestsPerMinute", "org", 60, 1_000, 9, null, ...rates])).toMatchObject({ reason: "rate", limit: 60, tokensRemaining: null });
  });

  test.each([
    [null], ["OK"], [[]], [{}], [["grant"]], [["grant", 1, 2]], [["grant", 1.5, 2, 3, ...rates]], [["grant", 1, 2, 3, ...rates, 4]], [["denial"]], [["denial", "weather"]],
    [["denial", "rate", "requestsPerYear", "org", 60, 1, 9, null, ...rates]], [["denial", "idempotency_replayed", "hold_1", "null", 1, 2]],
  ])("anything else throws, and shows no value: %j", (reply) => {
    expect(() => readAdmission(ask, reply)).toThrow(/the reply is not the ledger's/);
  });

  test("scopes, settlements, releases and states, and nothing that only looks like them", () => {
    expect(readLook(["scopes", JSON.stringify(keyRecord(org, 1, { models: ["small"] }))])).toEqual({ kind: "scopes", endpoints: null, models: ["small"] });
    expect(() => readLook(["scopes", "{}"])).toThrow("not the ledger's");
    const record = recordOf(org, freshHold());
    expect(readSettlements([record], [3, ["settled"]])).toEqual({ rows: 3, settlements: [{ hold: record.hold, result: "settled" }] });
    expect(() => readSettlements([record, record], [3, ["settled"]])).toThrow("not the ledger's");
    expect(() => readSettlements([record], [3, ["perhaps"]])).toThrow("not the ledger's");
    expect(readRelease(record.hold, "released")).toEqual({ hold: record.hold, result: "released" });
    expect(() => readRelease(record.hold, "OK")).toThrow("not the ledger's");
    expect(readPublished("published")).toBeUndefined();
    expect(() => readPublished("OK")).toThrow("not the ledger's");
    expect(readState(org, ["unknown"])).toBeNull();
    expect(readState(org, ["state", 5, 1, [["tokensPerDay", "org", 9, 4, 6, null]], []])).toEqual({
      org, atMs: 5, outboxRows: 1, openHolds: [], windows: [{ window: "tokensPerDay", of: "org", limit: 9, remaining: -1, held: 4, settled: 6, resetAtMs: null }],
    });
    expect(() => readState(org, ["state", 5])).toThrow("not the ledger's");
    expect(() => read(z.string(), 7)).toThrow("not the ledger's");
  });
});
