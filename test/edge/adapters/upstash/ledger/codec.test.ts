import { describe, expect, test } from "vitest";
import {
  askArgs,
  credentialArgs,
  keysOf,
  read,
  readAdmission,
  readLook,
  readPublished,
  readRelease,
  readSettlements,
  readState,
  recordArgs,
} from "#edge/adapters/upstash/ledger/codec.ts";
import { z } from "zod";
import { askOf, digest, freshHold, keyRecord, recordOf } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = "org_0123456789";

describe("what is sent", () => {
  test("all keys of an org lie in one slot, under the names of docs/storage.md", () => {
    const names = ["records", "books", "open", "holds", "ends", "late", "again", "ages", "outbox"];
    expect(keysOf(org)).toEqual(names.map((name) => `penstock:{org_0123456789}:${name}`));
  });

  test("an ask goes whole, in the script's order", () => {
    const ask = askOf(org, {
      promptTokens: 10,
      completionTokens: 20,
      choices: 2,
      ttlMs: 3_000,
      ip: null,
      price: { promptMicrosPerMTok: 7, completionMicrosPerMTok: 9 },
    });
    const { hold, key, endpoint, model, tier } = ask;
    const bill = JSON.stringify({ hold, org, key, model, tier, endpoint }).slice(1, -1);
    expect(askArgs(ask)).toEqual([
      hold,
      key,
      "",
      endpoint,
      model,
      "10",
      "20",
      "2",
      "0",
      "3000",
      "7",
      "9",
      "",
      "",
      bill,
      "",
      "p1",
      digest,
    ]);
    const other = askArgs({ ...ask, ip: "f".repeat(32), mayClamp: true, idempotency: { key: "k", body: "b" } });
    expect([other[2], other[8], other[12], other[13]]).toEqual(["f".repeat(32), "1", '"k"', '"b"']);
    expect([credentialArgs(ask)[1], credentialArgs({ ...ask, ip: "0".repeat(32) })[1]]).toEqual(["", "0".repeat(32)]);
  });

  test("a record goes whole: final or a checkpoint, counts, the engine's id or none", () => {
    const hold = freshHold();
    const counts = { promptTokens: 10, cachedTokens: 4, completionTokens: 5 };
    const records = [
      recordOf(org, hold, { ...counts, responseId: "r", endedAtMs: 9 }),
      recordOf(org, hold, { ...counts, isFinal: false, outcome: "cancelled", responseId: null, endedAtMs: 9 }),
    ];
    expect(recordArgs(records)).toEqual([
      hold,
      "1",
      "completed",
      "10",
      "4",
      "5",
      '"r"',
      "9",
      hold,
      "0",
      "cancelled",
      "10",
      "4",
      "5",
      "null",
      "9",
    ]);
  });

  test("no argument of an ask or a record holds a line break, whatever callers and engines wrote", () => {
    const model = "a\nb";
    const args = askArgs(askOf(org, { idempotency: { key: "k\n1", body: "b\n2" } }));
    expect(
      [...args.slice(12), ...recordArgs([recordOf(org, freshHold(), { responseId: "x\ny" })])].join(""),
    ).not.toContain("\n");
    expect(JSON.parse(`{${askArgs(askOf(org, { model }))[14]}}`)).toMatchObject({ model, org });
  });

  test("digests come last, two by two", () => {
    expect(askArgs(askOf(org)).slice(15)).toEqual(["", "p1", digest]);
    expect(credentialArgs(askOf(org)).slice(2)).toEqual(["", "p1", digest]);
    expect(recordArgs([recordOf(org, freshHold()), recordOf(org, freshHold())])).toHaveLength(16);
  });
});

test("of a client token only goes what its scopes say of this call", () => {
  const withToken = (endpoints: ["embeddings"] | null, models: string[] | null) =>
    askOf(org, { digests: [], token: { endpoints, models } });
  expect(
    [
      withToken(null, null),
      withToken(["embeddings"], null),
      withToken(null, ["big"]),
      withToken(["embeddings"], []),
    ].map((ask) => askArgs(ask)[15]),
  ).toEqual(["11", "01", "10", "00"]);
  expect(credentialArgs(withToken(["embeddings"], []))[2]).toBe("11");
});

describe("what is read", () => {
  const ask = askOf(org);
  const rates = [60, 59, 61_000, null, null, null];

  test("a grant, with the hold that was asked for", () => {
    expect(readAdmission(ask, ["grant", 30, 20, 5, ...rates])).toEqual({
      kind: "grant",
      hold: ask.hold,
      tokensHeld: 30,
      completionTokens: 20,
      expiresAtMs: 5,
      rates: { requests: { limit: 60, remaining: 59, resetMs: 61_000 }, tokens: null },
    });
  });

  test("every denial", () => {
    for (const reason of ["key", "ip", "endpoint", "model", "idempotency_mismatch"])
      expect(readAdmission(ask, ["denial", reason])).toEqual({ kind: "denial", reason });
    expect(readAdmission(ask, ["denial", "idempotency_in_progress", 1_000])).toEqual({
      kind: "denial",
      reason: "idempotency_in_progress",
      retryAfterMs: 1_000,
    });
    expect(readAdmission(ask, ["denial", "idempotency_replayed", ask.hold, '"chatcmpl-1"', 1, 2])).toEqual({
      kind: "denial",
      reason: "idempotency_replayed",
      first: { hold: ask.hold, responseId: "chatcmpl-1", promptTokens: 1, completionTokens: 2 },
    });
    expect(
      readAdmission(ask, ["denial", "rate", "requestsPerMinute", "org", 60, 1_000, 9, null, ...rates]),
    ).toMatchObject({ reason: "rate", limit: 60, tokensRemaining: null });
  });

  test.each([
    [null],
    ["OK"],
    [[]],
    [{}],
    [["grant"]],
    [["grant", 1, 2]],
    [["grant", 1.5, 2, 3, ...rates]],
    [["grant", 1, 2, 3, ...rates, 4]],
    [["denial"]],
    [["denial", "weather"]],
    [["denial", "rate", "requestsPerYear", "org", 60, 1, 9, null, ...rates]],
    [["denial", "idempotency_replayed", "hold_1", "null", 1, 2]],
  ])("anything else throws, and shows no value: %j", (reply) => {
    expect(() => readAdmission(ask, reply)).toThrow(/the reply is not the ledger's/);
  });

  test("scopes, settlements, releases and states, and nothing that only looks like them", () => {
    expect(readLook(["scopes", JSON.stringify(keyRecord(org, 1, { models: ["small"] }))])).toEqual({
      kind: "scopes",
      endpoints: null,
      models: ["small"],
    });
    expect(() => readLook(["scopes", "{}"])).toThrow("not the ledger's");
    const record = recordOf(org, freshHold());
    expect(readSettlements([record], [3, ["settled"]])).toEqual({
      rows: 3,
      settlements: [{ hold: record.hold, result: "settled" }],
    });
    expect(() => readSettlements([record, record], [3, ["settled"]])).toThrow("not the ledger's");
    expect(() => readSettlements([record], [3, ["perhaps"]])).toThrow("not the ledger's");
    expect(readRelease(record.hold, "released")).toEqual({ hold: record.hold, result: "released" });
    expect(() => readRelease(record.hold, "OK")).toThrow("not the ledger's");
    expect(readPublished("published")).toBeUndefined();
    expect(() => readPublished("OK")).toThrow("not the ledger's");
    expect(readState(org, ["unknown"])).toBeNull();
    expect(readState(org, ["state", 5, 1, [["tokensPerDay", "org", 9, 4, 6, null]], []])).toEqual({
      org,
      atMs: 5,
      outboxRows: 1,
      openHolds: [],
      windows: [{ window: "tokensPerDay", of: "org", limit: 9, remaining: -1, held: 4, settled: 6, resetAtMs: null }],
    });
    const { hold } = record;
    const key = keyRecord(org, 1).id;
    expect(readState(org, ["state", 5, 0, [["tokensPerDay", key, null, 4, 6, 7]], [[hold, key, 30, 99]]])).toEqual({
      org,
      atMs: 5,
      outboxRows: 0,
      openHolds: [{ hold, key, tokens: 30, expiresAtMs: 99 }],
      windows: [{ window: "tokensPerDay", of: key, limit: null, remaining: null, held: 4, settled: 6, resetAtMs: 7 }],
    });
    expect(() => readState(org, ["state", 5])).toThrow("not the ledger's");
    expect(readLook(["denial", "ip"])).toEqual({ kind: "denial", reason: "ip" });
    for (const reply of [["grant", JSON.stringify(keyRecord(org, 1))], "scopes", null])
      expect(() => readLook(reply)).toThrow("not the ledger's");
    expect(() => readSettlements([record], [3, ["settled", "settled"]])).toThrow("not the ledger's, at '1'");
  });

  test("what is at fault is named by its place", () => {
    expect(() => read(z.string(), 7)).toThrow("not the ledger's, at ''");
    expect(() => readState(org, ["state", 5, 1, [["tokensPerDay", "org", "nine", 4, 6, null]], []])).toThrow(
      "at '3.0.2'",
    );
  });
});
