import { expect, test } from "vitest";
import { checkLease } from "#edge/ledger/check.ts";
import { openDemand } from "#edge/ledger/leases/demand.ts";
import { leaseCallsMax, leaseCostMicrosMax, leaseTokensMax } from "#edge/limits.ts";

const [one, other] = ["key_1111111111111111", "key_2222222222222222"];
const none = { calls: 0, tokens: 0, costMicros: 0, holdMsMax: 1 };
const need = { calls: 1, tokens: 30, costMicros: 50, holdMs: 4_300 };

test("a key is busy from eight calls a second on, and until a second has passed without", () => {
  const demand = openDemand();
  for (let call = 0; call < 7; call++) demand.count(one, need, 1_000 + call);
  expect(demand.expect(one, 1_000, 1_010)).toBeNull();
  demand.count(one, need, 1_010);
  expect(demand.expect(one, 1_000, 1_010)).toEqual({ calls: 12, tokens: 360, costMicros: 600, holdMsMax: 5_000 });
  expect(demand.expect(one, 500, 1_010)).toEqual({ calls: 6, tokens: 180, costMicros: 300, holdMsMax: 5_000 });
  expect(demand.expect(one, 1_000, 2_500)).toEqual({ calls: 12, tokens: 360, costMicros: 600, holdMsMax: 5_000 });
  expect(demand.expect(one, 1_000, 3_500)).toBeNull();
  expect(demand.expect(other, 1_000, 1_010)).toBeNull();
});

test("after a long silence, and when the clock steps back, it counts anew", () => {
  const demand = openDemand();
  for (let call = 0; call < 20; call++) demand.count(one, need, 10_000);
  demand.count(one, need, 13_000);
  expect(demand.expect(one, 1_000, 13_000)).toBeNull();
  for (let call = 0; call < 20; call++) demand.count(one, need, 13_100);
  demand.count(one, need, 5_000);
  expect(demand.expect(one, 1_000, 5_000)).toBeNull();
});

test("of too many keys the one that was quiet longest is forgotten", () => {
  const demand = openDemand(1);
  for (let call = 0; call < 10; call++) demand.count(one, need, 1_000);
  demand.count(other, need, 1_001);
  expect(demand.expect(one, 1_000, 1_002)).toBeNull();
});

test("no more is asked for than a ledger takes: the call that asks would be refused with it", () => {
  const demand = openDemand();
  const dear = { holdMs: 900_000, calls: 1, tokens: 1_000_000, costMicros: 9_007_199_255 };
  for (let call = 0; call < 2_000; call++) demand.count(one, dear, 1_000);
  const expected = demand.expect(one, 1_000, 1_010) ?? none;
  expect(expected).toEqual({
    calls: leaseCallsMax,
    tokens: 256_000_000,
    costMicros: leaseCostMicrosMax,
    holdMsMax: 900_000,
  });
  for (let call = 0; call < 10; call++) demand.count(other, { ...dear, tokens: 1_000_000_000 }, 1_000);
  const long = demand.expect(other, 1_000, 1_010) ?? none;
  expect(long.tokens).toBe(leaseTokensMax);
  for (const wish of [expected, long])
    expect(() => checkLease({ id: `lease_${"1".repeat(22)}`, ttlMs: 1_000, ...wish })).not.toThrow();
});
