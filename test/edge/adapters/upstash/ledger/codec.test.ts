import { describe, expect, test } from "vitest";
import {
  encodeCredential,
  encodeLease,
  encodeRelease,
  encodeRequest,
  listKeys,
  read,
  readAdmission,
  readClosed,
  readIntrospection,
  readLease,
  readPublished,
  readRelease,
  readSettlements,
  readState,
  encodeRecords,
} from "#edge/adapters/upstash/ledger/codec.ts";
import { z } from "zod";
import { makeRequest, digest, freshHold, keyRecord, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = "org_0123456789";

describe("what is sent", () => {
  test("all keys of an org lie in one slot, under the names of docs/storage.md", () => {
    const names = ["records", "books", "open", "holds", "ends", "late", "again", "ages", "outbox", "leaving", "left"];
    names.push("leases", "waiting");
    expect(listKeys(org)).toEqual(names.map((name) => `penstock:{org_0123456789}:${name}`));
  });

  test("a request is sent whole, in the script's order", () => {
    const request = makeRequest(org, {
      promptTokens: 10,
      completionTokens: 20,
      choices: 2,
      ttlMs: 3_000,
      ip: null,
      price: { promptMicrosPerMTok: 7, completionMicrosPerMTok: 9 },
    });
    const { hold, key, endpoint, model, tier } = request;
    const bill = JSON.stringify({ hold, org, key, model, tier, endpoint }).slice(1, -1);
    expect(encodeRequest(request)).toEqual([
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
      "",
      "",
      "p1",
      digest,
    ]);
    const other = encodeRequest({
      ...request,
      ip: "f".repeat(32),
      mayClamp: true,
      idempotency: { key: "k", body: "b" },
    });
    expect([other[2], other[8], other[12], other[13]]).toEqual(["f".repeat(32), "1", '"k"', '"b"']);
    expect([encodeCredential(request)[1], encodeCredential({ ...request, ip: "0".repeat(32) })[1]]).toEqual([
      "",
      "0".repeat(32),
    ]);
  });

  test("a record goes whole: final or a checkpoint, counts, the engine's id or none", () => {
    const hold = freshHold();
    const counts = { promptTokens: 10, cachedTokens: 4, completionTokens: 5, units: 3 };
    const times = { startedAtMs: 4, firstTokenAtMs: 7, endedAtMs: 9 };
    const records = [
      makeRecord(org, hold, { ...counts, responseId: "r", ...times }),
      makeRecord(org, hold, { ...counts, isFinal: false, outcome: "cancelled", responseId: null, endedAtMs: 9 }),
    ];
    expect(encodeRecords(records)).toEqual([
      hold,
      "1",
      "completed",
      "10",
      "4",
      "5",
      "3",
      '"r"',
      "9",
      "3",
      "",
      hold,
      "0",
      "cancelled",
      "10",
      "4",
      "5",
      "3",
      "null",
      "9",
      "null",
      "",
    ]);
  });

  test("no argument of a request or a record holds a line break, whatever callers and engines wrote", () => {
    const model = "a\nb";
    const args = encodeRequest(makeRequest(org, { idempotency: { key: "k\n1", body: "b\n2" } }));
    expect(
      [...args.slice(12), ...encodeRecords([makeRecord(org, freshHold(), { responseId: "x\ny" })])].join(""),
    ).not.toContain("\n");
    expect(JSON.parse(`{${encodeRequest(makeRequest(org, { model }))[14]}}`)).toMatchObject({ model, org });
  });

  test("digests come last, two by two", () => {
    expect(encodeRequest(makeRequest(org)).slice(15)).toEqual(["", "", "", "p1", digest]);
    expect(encodeRequest(makeRequest(org), "250 900").slice(15)).toEqual(["", "250 900", "", "p1", digest]);
    expect(encodeCredential(makeRequest(org)).slice(2)).toEqual(["", "p1", digest]);
    expect(encodeRecords([makeRecord(org, freshHold()), makeRecord(org, freshHold())])).toHaveLength(22);
  });
});

describe("of leases", () => {
  const lease = {
    id: `lease_${"1".repeat(22)}`,
    ttlMs: 1_000,
    holdMsMax: 930_000,
    calls: 20,
    tokens: 600,
    costMicros: 1_000,
  };
  const words = `${lease.id} 20 600 1000 1000 930000`;
  const rates = [60, 59, 61_000, null, null, null];
  const key = keyRecord(org, 1);
  const read = { requests: { limit: 60, remaining: 59, resetMs: 61_000 }, tokens: null };

  test("a wish goes with an admission, or with the credential alone", () => {
    expect(encodeRequest(makeRequest(org, { lease })).slice(15)).toEqual([words, "", "", "p1", digest]);
    const ip = "f".repeat(32);
    expect(encodeLease(makeRequest(org, { ip }), lease)).toEqual([key.id, ip, words, "", "p1", digest]);
  });

  test("what is given back may come with the terms of a lease", () => {
    expect(encodeRelease(org, lease.id, false, null)).toEqual([lease.id, "0", ""]);
  });

  test("one that was given is read whole, with an admission or alone, and nothing that only looks like one", () => {
    const request = makeRequest(org, { lease });
    const granted = ["grant", 30, 20, 5, 0, ...rates];
    const amounts = [JSON.stringify(key), 10, 300, 500];
    const expected = { ...lease, key, calls: 10, tokens: 300, costMicros: 500, rates: read };
    expect(readAdmission(request, [...granted, ...amounts])).toMatchObject({ kind: "grant", lease: expected });
    expect(readAdmission(request, granted)).not.toHaveProperty("lease");
    expect(readLease(lease, ["lease", ...rates, ...amounts])).toEqual(expected);
    expect(readLease(lease, ["none"])).toBeNull();
    for (const reply of [
      [...granted, ...amounts.slice(1)],
      [...granted, "{}", 1, 2, 3],
      [...granted, ...amounts, 4],
    ])
      expect(() => readAdmission(request, reply)).toThrow("not the ledger's");
    for (const reply of [null, "none", [], ["none", 1], ["lease"], ["lease", ...rates, ...amounts.slice(0, 3)]])
      expect(() => readLease(lease, reply)).toThrow("not the ledger's");
    expect(() => readAdmission(makeRequest(org), [...granted, ...amounts])).toThrow("nobody asked");
  });

  test("a closing is done or was done", () => {
    for (const reply of ["closed", "repeated"]) expect(readClosed(reply)).toBeUndefined();
    for (const reply of ["OK", null, []]) expect(() => readClosed(reply)).toThrow("not the ledger's");
  });
});

test("of a client token only goes what its scopes say of this call", () => {
  const withToken = (endpoints: ["embeddings"] | null, models: string[] | null) =>
    makeRequest(org, { digests: [], token: { endpoints, models } });
  expect(
    [
      withToken(null, null),
      withToken(["embeddings"], null),
      withToken(null, ["big"]),
      withToken(["embeddings"], []),
    ].map((request) => encodeRequest(request)[17]),
  ).toEqual(["11", "01", "10", "00"]);
  expect(encodeCredential(withToken(["embeddings"], []))[2]).toBe("11");
});

describe("what is read", () => {
  const request = makeRequest(org);
  const rates = [60, 59, 61_000, null, null, null];

  test("a grant, with the hold that was requested", () => {
    expect(readAdmission(request, ["grant", 30, 20, 5, 0, ...rates])).toEqual({
      kind: "grant",
      hold: request.hold,
      tokensHeld: 30,
      completionTokens: 20,
      expiresAtMs: 5,
      rates: { requests: { limit: 60, remaining: 59, resetMs: 61_000 }, tokens: null },
    });
    expect(readAdmission(request, ["grant", 30, 20, 5, 1, ...rates])).toMatchObject({ isUrgent: true });
  });

  test("every denial", () => {
    for (const reason of ["key", "ip", "endpoint", "model", "idempotency_mismatch"])
      expect(readAdmission(request, ["denial", reason])).toEqual({ kind: "denial", reason });
    expect(readAdmission(request, ["denial", "idempotency_in_progress", 1_000])).toEqual({
      kind: "denial",
      reason: "idempotency_in_progress",
      retryAfterMs: 1_000,
    });
    expect(readAdmission(request, ["denial", "idempotency_replayed", request.hold, '"chatcmpl-1"', 1, 2])).toEqual({
      kind: "denial",
      reason: "idempotency_replayed",
      first: { hold: request.hold, responseId: "chatcmpl-1", promptTokens: 1, completionTokens: 2 },
    });
    expect(
      readAdmission(request, ["denial", "rate", "requestsPerMinute", "org", 60, 1_000, 9, null, 1, 2, 58, ...rates]),
    ).toMatchObject({
      reason: "rate",
      limit: 60,
      tokensRemaining: null,
      demand: { need: 1, held: 2, settled: 58 },
      rates: { requests: { limit: 60, remaining: 59, resetMs: 61_000 }, tokens: null },
    });
  });

  test.each([
    [null],
    ["OK"],
    [[]],
    [{}],
    [["grant"]],
    [["grant", 1, 2]],
    [["grant", 1.5, 2, 3, 0, ...rates]],
    [["grant", 1, 2, 3, ...rates]],
    [["grant", 1, 2, 3, 0, ...rates, 4]],
    [["denial"]],
    [["denial", "weather"]],
    [["denial", "rate", "requestsPerYear", "org", 60, 1, 9, null, 1, 0, 60, ...rates]],
    [["denial", "rate", "requestsPerMinute", "org", 60, 1, 9, null, ...rates]],
    [["denial", "rate", "requestsPerMinute", "org", 60, 1, 9, null, 1, 0, null, ...rates]],
    [["denial", "idempotency_replayed", "hold_1", "null", 1, 2]],
  ])("anything else throws, and shows no value: %j", (reply) => {
    expect(() => readAdmission(request, reply)).toThrow(/the reply is not the ledger's/);
  });

  test("scopes, settlements, releases and states, and nothing that only looks like them", () => {
    expect(readIntrospection(["scopes", JSON.stringify(keyRecord(org, 1, { models: ["small"] }))])).toEqual({
      kind: "scopes",
      endpoints: null,
      models: ["small"],
    });
    expect(() => readIntrospection(["scopes", "{}"])).toThrow("not the ledger's");
    const record = makeRecord(org, freshHold());
    expect(readSettlements([record], [3, ["settled"]])).toEqual({
      rows: 3,
      settlements: [{ hold: record.hold, result: "settled" }],
    });
    expect(() => readSettlements([record, record], [3, ["settled"]])).toThrow("not the ledger's");
    expect(() => readSettlements([record], [3, ["perhaps"]])).toThrow("not the ledger's");
    expect(readRelease(record.hold, "released")).toEqual({ hold: record.hold, result: "released" });
    expect(() => readRelease(record.hold, "OK")).toThrow("not the ledger's");
    expect(readPublished(["published", 1_100])).toBe(1_100);
    for (const reply of ["OK", "published", ["published"], ["published", -1], ["lost", 0]])
      expect(() => readPublished(reply)).toThrow("not the ledger's");
    expect(readState(org, ["unknown"])).toBeNull();
    expect(readState(org, ["state", 5, 1, [["tokensPerDay", "org", 9, 4, 6, null]], [], []])).toEqual({
      org,
      atMs: 5,
      outboxRows: 1,
      openHolds: [],
      leases: [],
      windows: [{ window: "tokensPerDay", of: "org", limit: 9, remaining: -1, held: 4, settled: 6, resetAtMs: null }],
    });
    const { hold } = record;
    const key = keyRecord(org, 1).id;
    const lease = `lease_${"1".repeat(22)}`;
    const rows = [[["tokensPerDay", key, null, 4, 6, 7]], [[hold, key, 30, 99]], [[lease, key, 3, 90, 77]]];
    expect(readState(org, ["state", 5, 0, ...rows])).toEqual({
      org,
      atMs: 5,
      outboxRows: 0,
      openHolds: [{ hold, key, tokens: 30, expiresAtMs: 99 }],
      leases: [{ lease, key, calls: 3, tokens: 90, endsAtMs: 77 }],
      windows: [{ window: "tokensPerDay", of: key, limit: null, remaining: null, held: 4, settled: 6, resetAtMs: 7 }],
    });
    expect(() => readState(org, ["state", 5])).toThrow("not the ledger's");
    expect(readIntrospection(["denial", "ip"])).toEqual({ kind: "denial", reason: "ip" });
    for (const reply of [["grant", JSON.stringify(keyRecord(org, 1))], "scopes", null])
      expect(() => readIntrospection(reply)).toThrow("not the ledger's");
    expect(() => readSettlements([record], [3, ["settled", "settled"]])).toThrow("not the ledger's, at '1'");
  });

  test("what is at fault is named by its place", () => {
    expect(() => read(z.string(), 7)).toThrow("not the ledger's, at ''");
    expect(() => readState(org, ["state", 5, 1, [["tokensPerDay", "org", "nine", 4, 6, null]], [], []])).toThrow(
      "at '3.0.2'",
    );
  });
});
