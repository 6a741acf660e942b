import { describe, expect, test } from "vitest";
import { apply } from "#edge/ledger/counters.ts";
import { decide } from "#edge/ledger/decide.ts";
import { publish } from "#edge/ledger/publish.ts";
import { createState, type Lease, type State } from "#edge/ledger/state.ts";
import { longestWaitMs } from "#edge/ledger/waiting/plan.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import type { HoldRequest } from "#edge/ledger/port.ts";
import {
  freshLease,
  freshOrg,
  keyId,
  keyRecord,
  makeRequest,
  noon,
  orgRecord,
  projectId,
  projectRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

/** The first key is in a project with these limits, the second has none of its own and is in no project. */
function openProject(limits: Partial<Limits>): State {
  const inProject = keyRecord(org, 1, { project: projectId(org, 1), version: 2 });
  const withProject = publish(openState({}), projectRecord(org, 1, { limits }))!;
  return publish(withProject, inProject)!;
}

function openState(limits: Partial<Limits>, keyLimits: Partial<Limits> | null = null): State {
  let state = createState();
  for (const record of [orgRecord(org, limits), keyRecord(org, 1, { limits: keyLimits }), keyRecord(org, 2)])
    state = publish(state, record) ?? state;
  return state;
}

function admit(state: State, fields: Partial<HoldRequest> = {}, now = noon) {
  const decision = decide(state, makeRequest(org, fields), null, now);
  if (decision.kind === "granted") apply(state, { kind: "held", hold: decision.hold });
  return decision.kind === "granted" ? "granted" : decision.wait;
}

function lend(state: State, fields: Partial<Lease> = {}): Lease {
  const granted = { calls: 4, tokens: 120, costMicros: 200 };
  const times = { grantedAtMs: noon, endsAtMs: noon + 1_100, deadlineMs: noon + 900_000 };
  const lease: Lease = {
    id: freshLease(),
    key: keyId(org, 1),
    isKeyBooked: false,
    granted,
    left: { ...granted },
    ...times,
    isClosed: false,
    ...fields,
  };
  apply(state, { kind: "leased", lease });
  return lease;
}

describe("what a denied call may wait for", () => {
  const wait = { waitMs: 250, waitMsMax: 20_000 };

  test("a slot of the org, which all lack, or of the key, which that key lacks", () => {
    const state = openState({ concurrency: 2 }, { concurrency: 1 });
    expect(admit(state, wait)).toBe("granted");
    expect(admit(state, wait)).toEqual({ untilMs: noon + 250, blocks: "key" });
    expect(admit(state, { ...wait, key: keyId(org, 2) })).toBe("granted");
    expect(admit(state, wait)).toEqual({ untilMs: noon + 250, blocks: "org" });
    expect(admit(state, { ...wait, waitMsMax: 90 })).toEqual({ untilMs: noon + 90, blocks: "org" });
    for (const none of [{}, { waitMs: 0 }, { waitMs: 0, waitMsMax: 500 }, { waitMs: 250, waitMsMax: 0 }])
      expect(admit(state, none)).toBeNull();
  });

  test.each<[string, Partial<Limits>]>([
    ["tokens", { tokensPerDay: 140 }],
    ["money", { costMicrosPerMonth: 240 }],
    ["a minute's requests", { requestsPerMinute: 4 }],
    ["a day's requests", { requestsPerDay: 4 }],
    ["slots", { concurrency: 4 }],
  ])("what leases have of %s, until the last of them ends", (_, limits) => {
    const state = openState(limits);
    const lease = lend(state);
    const hasty = { waitMs: 1, waitMsMax: 20_000 };
    expect(admit(state, hasty)).toMatchObject({ untilMs: noon + 1_100 });
    expect(admit(state, hasty, noon + 400)).toMatchObject({ untilMs: noon + 1_100 });
    expect(admit(state, { waitMs: 1, waitMsMax: 300 })).toMatchObject({ untilMs: noon + 300 });
    // A clock that was set back: by the ledger's time it is no longer.
    state.atMs = noon + 1_000;
    expect(admit(state, hasty, noon)).toMatchObject({ untilMs: noon + 100 });
    state.leases[lease.id] = { ...lease, isClosed: true };
    const isSlot = "concurrency" in limits;
    expect(admit(state, hasty, noon + 1_000)).toEqual(isSlot ? { untilMs: noon + 1_001, blocks: "org" } : null);
  });

  test("a slot of the project, which only its keys lack", () => {
    const state = openProject({ concurrency: 1 });
    expect(admit(state, wait)).toBe("granted");
    expect(admit(state, wait)).toEqual({ untilMs: noon + 250, blocks: "key" });
    expect(admit(state, { ...wait, key: keyId(org, 2) })).toBe("granted");
  });

  test("of a project's limit only what leases of its keys have set aside", () => {
    const other = openProject({ tokensPerDay: 140 });
    lend(other);
    expect(admit(other, wait)).toBe("granted");
    expect(admit(other, { ...wait, promptTokens: 100 })).toBeNull();
    const own = openProject({ tokensPerDay: 140 });
    lend(own, { key: keyId(org, 3), project: projectId(org, 1) });
    expect(admit(own, wait)).toEqual({ untilMs: noon + 1_100, blocks: "ask" });
  });

  test("of a key's limit only what counts there, and not what is more than the limit", () => {
    const other = openState({}, { tokensPerDay: 140 });
    lend(other, { key: keyId(org, 2) });
    expect(admit(other, wait)).toBe("granted");
    expect(admit(other, { ...wait, promptTokens: 100 })).toBeNull();
    const own = openState({}, { tokensPerDay: 140 });
    lend(own, { isKeyBooked: true });
    expect(admit(own, wait)).toEqual({ untilMs: noon + 1_100, blocks: "ask" });
    expect(admit(own, { ...wait, promptTokens: 130 })).toBeNull();
  });
});

test("a request may take longer by its wait for a slot, up to half a minute", () => {
  expect(longestWaitMs(makeRequest(org))).toBe(0);
  expect(longestWaitMs(makeRequest(org, { waitMs: 250 }))).toBe(250);
  expect(longestWaitMs(makeRequest(org, { waitMs: 250, waitMsMax: 20_000 }))).toBe(250);
  expect(longestWaitMs(makeRequest(org, { waitMs: 9_000, waitMsMax: 700 }))).toBe(700);
  expect(longestWaitMs(makeRequest(org, { waitMs: Number.NaN }))).toBe(0);
  expect(longestWaitMs(makeRequest(org, { waitMs: Infinity, waitMsMax: Infinity }))).toBe(30_000);
});
