import { expect, test } from "vitest";
import {
  costHeld,
  createState,
  nameOwner,
  findOwner,
  makeFirstCall,
  hasLimits,
  listOwners,
  tokensHeld,
  makeUsageRow,
  type Closing,
  type Hold,
} from "#edge/ledger/state.ts";
import { makeRequest, freshOrg, keyId, keyRecord, noon, projectId } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();
const request = makeRequest(org, {
  promptTokens: 7,
  completionTokens: 5,
  choices: 2,
  price: { promptMicrosPerMTok: 100_000, completionMicrosPerMTok: 250_000 },
});
const { lease: _, ...requested } = request;
const hold: Hold = {
  ...requested,
  id: request.hold,
  isKeyBooked: false,
  admittedAtMs: noon,
  expiresAtMs: noon + 1,
  checkpoint: null,
};
const closing: Closing = {
  hold: hold.id,
  end: "cancelled",
  charged: { promptTokens: 7, cachedTokens: 2, completionTokens: 4, responseId: "chatcmpl-1" },
  costMicros: 2,
  atMs: noon + 9,
  endedAtMs: noon + 8,
};

test("a new state is JSON and empty", () => {
  expect(JSON.parse(JSON.stringify(createState()))).toEqual({
    atMs: 0,
    org: null,
    keys: {},
    projects: {},
    leaving: {},
    leases: {},
    counters: {},
    holds: {},
  });
});

test("a hold keeps the prompt and every choice, at the price of all, rounded up", () => {
  expect([tokensHeld(hold), costHeld(hold)]).toEqual([17, 4]);
});

test("a bill's line is keyed by the hold, a correction's by the hold and `:late`, and a released hold has none", () => {
  expect(makeUsageRow(hold, closing, org)).toMatchObject({
    id: hold.id,
    hold: hold.id,
    org,
    end: "cancelled",
    completionTokens: 4,
    costMicros: 2,
    admittedAtMs: noon,
    endedAtMs: noon + 8,
  });
  expect(makeUsageRow(hold, { ...closing, end: "adjusted" }, org)).toMatchObject({
    id: `${hold.id}:late`,
    hold: hold.id,
  });
  expect(makeUsageRow(hold, { ...closing, end: "released" }, org)).toBeNull();
  expect(makeFirstCall(closing)).toEqual({
    hold: hold.id,
    responseId: "chatcmpl-1",
    promptTokens: 7,
    completionTokens: 4,
  });
});

test("a key has limits of its own when one of them is a number, 0 included", () => {
  expect(
    [null, {}, { concurrency: null }, { concurrency: 0 }].map((limits) => hasLimits(keyRecord(org, 1, { limits }))),
  ).toEqual([false, false, false, true]);
});

test("a key is counted under the first of its chain, and a hold changes the counters that it was held in", () => {
  const [first, second] = [keyId(org, 1), keyId(org, 2)];
  expect(findOwner(keyRecord(org, 1))).toBe(first);
  expect(findOwner(keyRecord(org, 2, { lineage: first }))).toBe(first);
  const booked = { ...hold, key: second, isKeyBooked: true };
  expect(listOwners({ ...booked, lineage: first })).toEqual(["org", first]);
  expect(listOwners(booked)).toEqual(["org", second]);
  expect(listOwners({ ...booked, lineage: first, isKeyBooked: false })).toEqual(["org"]);
  const project = projectId(org, 1);
  expect(listOwners({ ...booked, project })).toEqual(["org", second, project]);
  expect(listOwners({ ...hold, project })).toEqual(["org", project]);
});

test("each lane has counters of its own", () => {
  const [first, second, project] = [keyId(org, 1), keyId(org, 2), projectId(org, 1)];
  const booked = { ...hold, key: second, lineage: first, project };
  expect((["key", "project", "org"] as const).map((lane) => nameOwner(lane, booked))).toEqual([first, project, "org"]);
  expect(nameOwner("key", { ...hold, key: second })).toBe(second);
});
