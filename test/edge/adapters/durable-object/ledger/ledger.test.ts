import { beforeAll, describe, expect, test } from "vitest";
import { durableObjectLedger } from "#edge/adapters/durable-object/ledger/ledger.ts";
import type { OrgLedger } from "#edge/adapters/durable-object/ledger/ledger-object.ts";
import { ledgerContract } from "#test/contracts/ledger/ledger-contract.ts";
import { makeRequest, freshHold, freshOrg, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, open, openShard, openWith } from "./ledger-world.ts";

beforeAll(migrate);

ledgerContract("durable-object ledger", open, { numRuns: 30, maxCommands: 80 });
ledgerContract("a shard", openShard, { numRuns: 30, maxCommands: 80 });

test("what the object throws reaches the caller", async () => {
  const { ledger, org } = await openWith();
  await insides(org, (_, { storage }) => void storage.sql.exec("ALTER TABLE holds RENAME TO gone"));
  await expect(ledger.admit(makeRequest(org))).rejects.toThrow("no such table");
});

describe("an object that answers in another shape, as one of another version may", () => {
  const org = freshOrg();
  /** A ledger whose object answers so, whatever it is asked. */
  const answering = (answer: unknown) => {
    const stub = new Proxy({}, { get: () => async () => answer });
    return durableObjectLedger({
      idFromName: () => ({}),
      get: () => stub,
    } as unknown as DurableObjectNamespace<OrgLedger>);
  };
  const rates = { requests: null, tokens: null };
  // Not a fresh hold: the names of tests must not change from run to run (npm run mutate goes by them).
  const grant = {
    kind: "grant",
    hold: "hold_0123456789012345678901",
    tokensHeld: 3,
    completionTokens: 2,
    expiresAtMs: 1,
    rates,
  };

  test.each([
    undefined,
    null,
    "<html>",
    7,
    [],
    {},
    { kind: "grant" },
    { ...grant, tokensHeld: undefined },
    { ...grant, completionTokens: "2" },
    { ...grant, rates: undefined },
    { kind: "denial" },
    { kind: "denial", reason: "rate", window: "requestsPerMinute" },
    { kind: "denial", reason: "rate", window: "requestsPerMinute", rates, demand: null },
    { kind: "denial", reason: "rate", window: "requestsPerMinute", rates, demand: { need: 1, held: "2", settled: 3 } },
  ])("is no admission: %j", (answer) =>
    expect(answering(answer).admit(makeRequest(org))).rejects.toThrow("ledger: the answer has an unexpected shape"),
  );

  test.each([undefined, "<html>", {}, { kind: "scopes" }, { kind: "scopes", endpoints: null }, { kind: "denial" }])(
    "is no look: %j",
    (answer) =>
      expect(answering(answer).introspect(makeRequest(org))).rejects.toThrow(
        "ledger: the answer has an unexpected shape",
      ),
  );

  const done = { result: "settled" };
  test.each([
    undefined,
    "<html>",
    {},
    [],
    [{}],
    [done],
    [{ kind: "settled" }],
    [{ kind: "settled", settlements: [{}] }],
    [{ kind: "settled", settlements: [done, done] }],
    [
      { kind: "settled", settlements: [done] },
      { kind: "settled", settlements: [done] },
    ],
    [{ kind: "moved" }],
  ])("settles nothing: %j", (answer) =>
    expect(answering(answer).settle(org, [makeRecord(org, freshHold())])).rejects.toThrow(
      "ledger: the answer has an unexpected shape",
    ),
  );

  test.each([undefined, null, "<html>", {}])("gives nothing back: %j", (answer) =>
    expect(answering(answer).release(org, freshHold())).rejects.toThrow("ledger: the answer has an unexpected shape"),
  );

  test.each([undefined, "<html>", {}, { windows: [] }])("shows nothing: %j", (answer) =>
    expect(answering(answer).inspect(org)).rejects.toThrow("ledger: the answer has an unexpected shape"),
  );

  test("what is right is handed on as it is", async () => {
    expect(await answering(grant).admit(makeRequest(org))).toBe(grant);
    const full = { kind: "denial", reason: "rate", window: "requestsPerMinute", rates };
    for (const denial of [full, { ...full, demand: { need: 1, held: 0, settled: 60 } }])
      expect(await answering(denial).admit(makeRequest(org))).toBe(denial);
    expect(await answering({ kind: "denial", reason: "key" }).introspect(makeRequest(org))).toEqual({
      kind: "denial",
      reason: "key",
    });
    expect(
      await answering({ kind: "scopes", endpoints: null, models: ["a"] }).introspect(makeRequest(org)),
    ).toHaveProperty("models", ["a"]);
    expect(await answering(null).inspect(org)).toBeNull();
  });
});
