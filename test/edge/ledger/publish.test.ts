import { expect, test } from "vitest";
import { apply } from "#edge/ledger/counters.ts";
import { decide } from "#edge/ledger/decide.ts";
import { findHome, inspect, publish } from "#edge/ledger/publish.ts";
import { settle } from "#edge/ledger/settle.ts";
import { createState } from "#edge/ledger/state.ts";
import {
  makeRequest,
  freshOrg,
  keyRecord,
  noon,
  orgRecord,
  projectRecord,
  makeRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

test("a record comes into a new state; the old one is as it was", () => {
  const state = createState();
  const after = publish(state, orgRecord(org, {}, 3));
  expect([state.org, after?.org?.version]).toEqual([null, 3]);
});

test("of two versions the higher stays in force, whichever comes last; the same one may come again", () => {
  const state = publish(createState(), keyRecord(org, 1, { version: 3 }))!;
  expect(publish(state, keyRecord(org, 1, { version: 2 }))).toBeNull();
  const known = publish(state, orgRecord(org, { requestsPerDay: 1 }, 3))!;
  expect(publish(known, orgRecord(org, {}, 2))).toBeNull();
  expect(publish(known, orgRecord(org, { requestsPerDay: 2 }, 3))?.org?.limits.requestsPerDay).toBe(2);
  expect(publish(state, keyRecord(org, 1, { version: 3, isRevoked: true }))?.keys).toMatchObject({
    [keyRecord(org, 1).id]: { isRevoked: true },
  });
});

test("a malformed record, or one of another org, throws and names what is wrong", () => {
  const state = publish(createState(), keyRecord(org, 1))!;
  expect(() => publish(state, orgRecord(freshOrg(), {}))).toThrow("another org");
  expect(() => publish(state, keyRecord(org, 1, { digest: "short" }))).toThrow("'digest'");
  expect(() => publish(state, orgRecord(org, { requestsPerDay: -1 }))).toThrow("'limits.requestsPerDay'");
  expect(() => publish(state, { ...keyRecord(org, 1), isAdmin: true } as never)).toThrow("not acceptable");
});

test("a project comes into force as a key does, and each record says whose it is", () => {
  const state = publish(createState(), projectRecord(org, 1, { version: 3 }))!;
  expect(publish(state, projectRecord(org, 1, { version: 2, isArchived: true }))).toBeNull();
  expect(() => publish(state, projectRecord(freshOrg(), 1))).toThrow("another org");
  expect(() => publish(state, projectRecord(org, 1, { limits: { requestsPerDay: -1 } }))).toThrow(
    "'limits.requestsPerDay'",
  );
  expect([orgRecord(org, {}), keyRecord(org, 1), projectRecord(org, 1)].map(findHome)).toEqual([org, org, org]);
});

test("an inspection shows every window of the org, limited or not, and a key's limited ones", () => {
  const state = publish(
    publish(createState(), orgRecord(org, { requestsPerDay: 5 }))!,
    keyRecord(org, 1, { limits: { concurrency: 2, tokensPerDay: null } }),
  )!;
  const shown = inspect(state, noon, 4);
  expect(shown).toMatchObject({ org, atMs: noon, outboxRows: 4, openHolds: [] });
  expect(shown?.windows).toHaveLength(9);
  expect(shown?.windows.find(({ window }) => window === "requestsPerDay")).toEqual({
    window: "requestsPerDay",
    of: "org",
    limit: 5,
    remaining: 5,
    held: 0,
    settled: 0,
    resetAtMs: null,
  });
  expect(shown?.windows.at(-1)).toMatchObject({ window: "concurrency", of: keyRecord(org, 1).id, limit: 2 });
  expect(inspect(createState(), noon, 0)).toBeNull();
});

test("an inspection says when each window will be empty if nothing else comes, save for concurrency", () => {
  const state = publish(publish(createState(), orgRecord(org, {}))!, keyRecord(org, 1))!;
  const ids = [1, 2].map(() => {
    const decision = decide(state, makeRequest(org), null, noon + 1);
    if (decision.kind !== "granted") throw new Error("denied");
    apply(state, { kind: "held", hold: decision.hold });
    return decision.hold.id;
  });
  // One held and one settled: what is in a window is their sum, not their difference.
  const [change] = settle(state, makeRecord(org, ids[0]!), null, noon + 2).changes;
  if (change) apply(state, change);
  const resets = Object.fromEntries(
    inspect(state, noon + 3, 0)!.windows.map(({ window, resetAtMs }) => [window, resetAtMs]),
  );
  const [minute, day, month] = [noon + 61_000, Date.UTC(2032, 2, 2), Date.UTC(2032, 3, 1)];
  expect({ ...resets, noon }).toEqual({
    noon,
    requestsPerMinute: minute,
    requestsPerHour: noon + 61 * 60_000,
    concurrency: null,
    tokensPerMinute: minute,
    requestsPerDay: day,
    tokensPerDay: day,
    tokensPerMonth: month,
    costMicrosPerMonth: month,
  });
});
