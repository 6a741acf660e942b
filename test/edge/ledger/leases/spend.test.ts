import { expect, test } from "vitest";
import { isPlain, measureRequest, SpendableLease } from "#edge/ledger/leases/spend.ts";
import type { LeaseGrant } from "#edge/ledger/port.ts";
import { freshOrg, keyRecord, makeRequest, noon, projectId } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

function lease(fields: Partial<LeaseGrant> = {}, key: Parameters<typeof keyRecord>[2] = {}): SpendableLease {
  const grant: LeaseGrant = {
    id: `lease_${"1".repeat(22)}`,
    key: keyRecord(org, 1, key),
    calls: 10,
    tokens: 300,
    costMicros: 500,
    ttlMs: 1_000,
    holdMsMax: 930_000,
    rates: { requests: { limit: 100, remaining: 90, resetMs: 5_000 }, tokens: null },
    ...fields,
  };
  return new SpendableLease(grant, noon);
}

test("it is spent call by call, token by token, and to its last micro-unit", () => {
  const whole = lease();
  for (let call = 0; call < 10; call++) expect(whole.admit(makeRequest(org), noon + call)).not.toBeNull();
  expect(whole.admit(makeRequest(org), noon + 20)).toBeNull();
  const tight = lease({ calls: 100 });
  expect(tight.admit(makeRequest(org, { promptTokens: 281 }), noon)).toBeNull();
  expect(tight.admit(makeRequest(org, { promptTokens: 280 }), noon)?.tokensHeld).toBe(300);
  const poor = lease({ tokens: 10_000, costMicros: 99 });
  expect([poor.admit(makeRequest(org), noon), poor.admit(makeRequest(org), noon)].map(Boolean)).toEqual([true, false]);
});

test("it lives from before it was asked for, and a clock that steps back ends it for good", () => {
  expect(lease().admit(makeRequest(org), noon + 999)).not.toBeNull();
  expect(lease().admit(makeRequest(org), noon + 1_000)).toBeNull();
  const back = lease();
  expect(back.admit(makeRequest(org), noon + 500)).not.toBeNull();
  expect(back.admit(makeRequest(org), noon + 499)).toBeNull();
  expect(back.admit(makeRequest(org), noon + 600)).toBeNull();
  expect(lease().msLeft(noon - 1)).toBe(0);
});

test("what the key's record does not allow is for the ledger to refuse", () => {
  const narrow = { endpoints: ["embeddings" as const], models: ["large"] };
  expect(lease({}, { endpoints: narrow.endpoints }).admit(makeRequest(org), noon)).toBeNull();
  expect(lease({}, { models: narrow.models }).admit(makeRequest(org), noon)).toBeNull();
  expect(lease({}, { expiresAtMs: noon }).admit(makeRequest(org), noon)).toBeNull();
  expect(lease({}, { isRevoked: true }).admit(makeRequest(org), noon)).toBeNull();
  expect(lease({}, { pepperKid: "p2" }).admit(makeRequest(org), noon)).toBeNull();
  const ranges = [{ from: "0".repeat(32), to: `${"0".repeat(31)}f` }];
  expect(lease({}, { ipRanges: ranges }).admit(makeRequest(org), noon)).toBeNull();
  expect(lease({}, { ipRanges: ranges }).admit(makeRequest(org, { ip: "0".repeat(32) }), noon)).not.toBeNull();
  expect(lease().admit(makeRequest(freshOrg()), noon)).toBeNull();
  expect(lease().admit(makeRequest(org, { ttlMs: 930_001 }), noon)).toBeNull();
});

test("only plain calls are for a lease", () => {
  const plain = makeRequest(org);
  const others = [
    { ...plain, mayClamp: true },
    { ...plain, token: { endpoints: null, models: null } },
    { ...plain, idempotency: { key: "a", body: "b" } },
  ];
  expect([plain, ...others].map(isPlain)).toEqual([true, false, false, false]);
  for (const request of others) expect(lease().admit(request, noon)).toBeNull();
});

test("a call that is given back leaves its tokens and its slot; the attempt is spent", () => {
  const one = lease({ calls: 2, tokens: 30 });
  const grant = one.admit(makeRequest(org), noon);
  expect(one.admit(makeRequest(org), noon)).toBeNull();
  one.giveBack(grant!.leased!);
  expect(one.admit(makeRequest(org), noon)).not.toBeNull();
  expect(one.close()).toEqual({ lease: `lease_${"1".repeat(22)}`, attempts: 2, calls: 1, tokens: 30, costMicros: 50 });
  expect(one.admit(makeRequest(org), noon)).toBeNull();
});

test("it is renewed when seven tenths of its time, or of any part, are gone", () => {
  const fresh = lease();
  expect([fresh.isNearlySpent(noon + 699), fresh.isNearlySpent(noon + 700)]).toEqual([false, true]);
  const busy = lease();
  for (let call = 0; call < 7; call++) busy.admit(makeRequest(org), noon);
  expect(busy.isNearlySpent(noon)).toBe(true);
  const wordy = lease({ calls: 100 });
  wordy.admit(makeRequest(org, { promptTokens: 190 }), noon);
  expect(wordy.isNearlySpent(noon)).toBe(true);
});

test("the terms say what the ledger needs, and the rates count down", () => {
  const request = makeRequest(org);
  const one = lease({}, { limits: { tokensPerDay: 9 }, lineage: `key_${"7".repeat(16)}`, project: projectId(org, 1) });
  expect(one.admit(request, noon + 200)).toMatchObject({
    expiresAtMs: noon + 200 + request.ttlMs,
    rates: { requests: { limit: 100, remaining: 89, resetMs: 4_800 }, tokens: null },
    leased: {
      key: request.key,
      isKeyBooked: true,
      lineage: `key_${"7".repeat(16)}`,
      project: projectId(org, 1),
      promptTokens: 10,
      completionTokens: 20,
      admittedAtMs: noon + 200,
    },
  });
  expect(measureRequest(request)).toEqual({ calls: 1, tokens: 30, costMicros: 50 });
});
