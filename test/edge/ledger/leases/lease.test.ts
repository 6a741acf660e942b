import { expect, test } from "vitest";
import { LedgerCore } from "#edge/ledger/core.ts";
import {
  closeLease,
  coversHold,
  leasedUntilMs,
  makeLeasedHold,
  nextLeaseDeadlineMs,
  planLease,
  sweepLeases,
} from "#edge/ledger/leases/lease.ts";
import { createState, type Change, type Lease } from "#edge/ledger/state.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import { leaseCallsMax, leasesMax } from "#edge/limits.ts";
import {
  freshHold,
  freshOrg,
  keyRecord,
  makeRecord,
  noon,
  orgRecord,
  projectRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

const minute = 60_000;
const wish = {
  id: `lease_${"1".repeat(22)}`,
  ttlMs: 1_000,
  holdMsMax: 930_000,
  calls: 100,
  tokens: 3_000,
  costMicros: 5_000,
};
const name = (n: number) => `lease_${String(n).padStart(22, "0")}`;

/** A ledger that knows one org and one key, and what it has written. */
function openCore(limits: Partial<Limits> = {}, fields: Partial<KeyRecord> = {}) {
  const org = freshOrg();
  const changes: Change[] = [];
  const core = new LedgerCore(createState(), {
    write: (change) => void changes.push(structuredClone(change)),
    writeAll: (some) => void changes.push(...structuredClone(some)),
    publish: () => undefined,
    leave: () => undefined,
    findLeft: () => null,
    findEnded: () => new Map(),
    findEarlier: () => null,
  });
  core.publish(orgRecord(org, limits), noon);
  const key = keyRecord(org, 1, fields);
  core.publish(key, noon);
  const credential = { org, key: key.id, digests: [{ kid: "p1", digest: key.digest }], ip: null };
  return { core, org, key, credential, changes };
}

const plan = (limits: Partial<Limits>, request = wish, nowMs = noon) => {
  const { core, key } = openCore(limits);
  return planLease(core.state, key, request, nowMs);
};

test("a lease is what was asked for, at most a sixteenth of what each window has left, and all its parts alike", () => {
  expect(plan({})?.granted).toEqual({ calls: 100, tokens: 3_000, costMicros: 5_000 });
  expect(plan({ requestsPerMinute: 800 })?.granted).toEqual({ calls: 50, tokens: 1_500, costMicros: 2_500 });
  expect(plan({ concurrency: 16 * 7 })?.granted.calls).toBe(7);
  expect(plan({ tokensPerDay: 16 * 1_000 })?.granted).toEqual({ calls: 33, tokens: 1_000, costMicros: 1_666 });
  expect(plan({ costMicrosPerMonth: 16 * 500 })?.granted).toEqual({ calls: 10, tokens: 300, costMicros: 500 });
  expect(plan({}, { ...wish, calls: 1_000, tokens: 10_000 })?.granted).toMatchObject({
    calls: leaseCallsMax,
    tokens: 2_560,
  });
});

test("less than four calls is no lease", () => {
  expect(plan({ requestsPerMinute: 16 * 4 })?.granted.calls).toBe(4);
  expect(plan({ requestsPerMinute: 16 * 4 - 1 })).toBeNull();
  expect(plan({}, { ...wish, calls: 3 })).toBeNull();
});

test("none crosses midnight, in UTC, or the key's expiry; the ledger's end is 100 ms after the isolate's", () => {
  const midnight = Date.UTC(2032, 2, 2);
  expect(plan({}, wish, midnight - 1_101)?.endsAtMs).toBe(midnight - 1);
  expect(plan({}, wish, midnight - 1_100)).toBeNull();
  const { core, key } = openCore({}, { expiresAtMs: noon + 1_100 });
  expect(planLease(core.state, key, wish, noon)?.endsAtMs).toBe(noon + 1_100);
  expect(planLease(core.state, key, wish, noon + 1)).toBeNull();
});

test("one name is one lease, and an org has a bounded number of them", () => {
  const { core, credential } = openCore();
  for (let n = 0; n < leasesMax; n++) expect(core.lease(credential, { ...wish, id: name(n) }, noon)?.calls).toBe(100);
  expect(core.lease(credential, { ...wish, id: name(leasesMax) }, noon)).toBeNull();
  const other = openCore();
  expect(other.core.lease(other.credential, wish, noon)).not.toBeNull();
  expect(other.core.lease(other.credential, wish, noon)).toBeNull();
});

test("a key that is not in force gets none", () => {
  const { core, key, credential } = openCore();
  core.publish({ ...key, isRevoked: true, version: 2 }, noon);
  expect(core.lease(credential, wish, noon)).toBeNull();
});

test("the whole of a lease counts from its grant, in the bucket of its end", () => {
  const { core, org, credential } = openCore({ requestsPerMinute: 10_000 });
  core.lease(credential, wish, noon + 900);
  const counters = core.state.counters["org"];
  expect([counters?.minute.at, counters?.minute.settled]).toEqual([[Math.floor((noon + 2_000) / 1_000)], [100]]);
  expect([counters?.open, counters?.day.tokens, counters?.day.requests]).toEqual([
    100,
    { held: 3_000, settled: 0 },
    { held: 100, settled: 0 },
  ]);
  expect(org).toBe(core.state.org?.id);
});

test("a closing gives back what was not spent, once, and never more than is left", () => {
  const { core, credential } = openCore();
  core.lease(credential, wish, noon);
  const closing = { lease: wish.id, attempts: 40, calls: 30, tokens: 900, costMicros: 1_500 };
  const change = closeLease(core.state, closing, noon + 500);
  expect(change).toEqual({
    kind: "returned",
    lease: wish.id,
    attempts: 60,
    back: { calls: 70, tokens: 2_100, costMicros: 3_500 },
    atMs: noon + 500,
  });
  core.closeLease(closing, noon + 500);
  expect(core.state.counters["org"]?.open).toBe(30);
  core.closeLease({ ...closing, calls: 0, tokens: 0, costMicros: 0 }, noon + 600);
  expect(core.state.counters["org"]?.open).toBe(30);
  expect(closeLease(core.state, { ...closing, lease: name(7) }, noon)).toBeNull();
});

const terms = (lease: Lease, fields: Partial<LeasedTerms> = {}): LeasedTerms => ({
  lease: lease.id,
  key: lease.key,
  isKeyBooked: false,
  endpoint: "chat.completions",
  model: "small",
  tier: "shared",
  price: { promptMicrosPerMTok: 1_000_000, completionMicrosPerMTok: 2_000_000 },
  promptTokens: 10,
  completionTokens: 20,
  choices: 1,
  admittedAtMs: noon + 100,
  expiresAtMs: noon + minute,
  ...fields,
});

test("a leased hold's times are bounded by its lease's, whatever its isolate's clock says", () => {
  const { core, credential } = openCore();
  core.lease(credential, wish, noon);
  const lease = core.state.leases[wish.id]!;
  const make = (fields: Partial<LeasedTerms>) =>
    makeLeasedHold(freshHold(), terms(lease, fields), { lease, nowMs: noon + 500 });
  expect(make({})).toMatchObject({ admittedAtMs: noon + 100, expiresAtMs: noon + minute });
  expect(make({ admittedAtMs: noon - minute }).admittedAtMs).toBe(noon);
  expect(make({ admittedAtMs: noon + minute }).admittedAtMs).toBe(lease.endsAtMs);
  expect(make({ expiresAtMs: noon * 2 }).expiresAtMs).toBe(lease.deadlineMs);
  expect(make({}).lease).toEqual({ id: lease.id, bookedAtMs: lease.endsAtMs });
});

test("a lease covers its own key's holds, as far as it goes", () => {
  const { core, credential } = openCore();
  core.lease(credential, wish, noon);
  const lease = core.state.leases[wish.id]!;
  const hold = (fields: Partial<LeasedTerms>) =>
    makeLeasedHold(freshHold(), terms(lease, fields), { lease, nowMs: noon });
  expect(coversHold(lease, hold({}))).toBe(true);
  expect(coversHold(lease, hold({ key: `key_${"9".repeat(16)}` }))).toBe(false);
  expect(coversHold(lease, hold({ promptTokens: 2_981 }))).toBe(false);
  expect(coversHold(lease, hold({ choices: 0, promptTokens: 3_000 }))).toBe(true);
});

test("settled, checkpointed, given back: each leaves the lease once, and an empty closed lease is forgotten", () => {
  const { core, org, credential, changes } = openCore();
  core.lease(credential, wish, noon);
  const lease = core.state.leases[wish.id]!;
  const leased = terms(lease);
  const [settled, running, given] = [freshHold(), freshHold(), freshHold()];
  const settle = (hold: string, isFinal = true) =>
    core.settle(org, [{ ...makeRecord(org, hold, { isFinal }), leased }], noon + 200)[0]?.result;
  expect(settle(settled)).toBe("settled");
  expect(settle(running, false)).toBe("checkpointed");
  expect(core.release(given, { mayRun: false, leased }, noon + 200).result).toBe("released");
  expect(lease.left).toEqual({ calls: 97, tokens: 3_000 - 90, costMicros: 5_000 - 150 });
  expect(settle(running)).toBe("settled");
  expect(changes.map(({ kind }) => kind)).toEqual([
    "leased",
    "opened",
    "closed",
    "opened",
    "checkpointed",
    "opened",
    "closed",
    "closed",
  ]);
  core.closeLease({ lease: wish.id, attempts: 3, calls: 3, tokens: 90, costMicros: 150 }, noon + 300);
  expect(core.state.leases).toEqual({});
  expect(core.state.counters["org"]).toMatchObject({ open: 0, day: { tokens: { held: 0, settled: 60 } } });
});

test("a call under a lease that was noted expires at its own deadline, before the lease's", () => {
  const { core, org, credential } = openCore();
  core.lease(credential, wish, noon);
  const leased = terms(core.state.leases[wish.id]!, { expiresAtMs: noon + 5_000 });
  const hold = freshHold();
  core.settle(org, [{ ...makeRecord(org, hold, { isFinal: false, completionTokens: 4 }), leased }], noon + 200);
  core.expire(noon + 4_999);
  expect(Object.keys(core.state.holds)).toEqual([hold]);
  core.expire(noon + 5_000);
  expect(core.state.holds).toEqual({});
  expect(core.state.counters["org"]?.day.tokens).toEqual({ held: 2_970, settled: 14 });
});

test("a lease that was never closed is swept at its deadline; a closed one's calls count as made", () => {
  const { core, credential } = openCore();
  core.lease(credential, wish, noon);
  core.lease(credential, { ...wish, id: name(2) }, noon);
  core.closeLease({ lease: name(2), attempts: 5, calls: 5, tokens: 150, costMicros: 250 }, noon + 900);
  const { deadlineMs } = core.state.leases[wish.id]!;
  expect([nextLeaseDeadlineMs(core.state), sweepLeases(core.state, deadlineMs - 1)]).toEqual([deadlineMs, []]);
  core.expire(deadlineMs);
  expect(core.state.leases).toEqual({});
  expect(core.state.counters["org"]).toMatchObject({
    open: 0,
    day: { tokens: { held: 0, settled: 0 }, requests: { held: 0, settled: 5 } },
  });
});

test("a last word older than ended holds are remembered is not billed: it may have been", () => {
  const { core, org, key } = openCore();
  const late = (admittedAtMs: number) =>
    core.settle(
      org,
      [
        {
          ...makeRecord(org, freshHold()),
          leased: terms({ id: name(9), key: key.id } as Lease, { admittedAtMs }),
        },
      ],
      noon,
    )[0]?.result;
  const week = 7 * 24 * 3_600_000;
  expect([late(noon - week + 1), late(noon - week)]).toEqual(["adjusted", "unknown"]);
});

test("a project's key leases from its project, too, and who publishes the project waits for that", () => {
  const { core, org, key, credential } = openCore();
  const project = projectRecord(org, 1, { limits: { requestsPerMinute: 80 } });
  core.publish(project, noon);
  core.publish({ ...key, project: project.id, version: key.version + 1 }, noon);
  expect(leasedUntilMs(core.state, project)).toBe(0);
  expect(core.lease(credential, wish, noon)?.calls).toBe(5);
  expect(Object.values(core.state.leases)).toMatchObject([{ project: project.id }]);
  expect(leasedUntilMs(core.state, project)).toBe(noon + 1_100);
  expect(leasedUntilMs(core.state, projectRecord(org, 2))).toBe(0);
});

test("who publishes waits for the leases that knew the old record: a key's own, an org's all, no closed ones", () => {
  const { core, org, key, credential } = openCore();
  expect(leasedUntilMs(core.state, key)).toBe(0);
  core.lease(credential, wish, noon);
  core.lease(credential, { ...wish, id: name(2) }, noon + 300);
  expect([leasedUntilMs(core.state, key), leasedUntilMs(core.state, { kind: "org", id: org })]).toEqual([
    noon + 1_400,
    noon + 1_400,
  ]);
  expect(leasedUntilMs(core.state, { kind: "key", id: `key_${"9".repeat(16)}` })).toBe(0);
  core.closeLease({ lease: name(2), attempts: 0, calls: 0, tokens: 0, costMicros: 0 }, noon + 500);
  expect(leasedUntilMs(core.state, key)).toBe(noon + 1_100);
});
