import { expect, test } from "vitest";
import { apply, countsUntilMs, createCounters, freesAtMs, readUse } from "#edge/ledger/counters.ts";
import { windowNames } from "#edge/agreements/records/windows.ts";
import { decide } from "#edge/ledger/decide.ts";
import { publish } from "#edge/ledger/publish.ts";
import { release, settle } from "#edge/ledger/settle.ts";
import { createState, type State } from "#edge/ledger/state.ts";
import {
  makeRequest,
  freshOrg,
  keyId,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

function held(state: State, now: number): string {
  const decision = decide(state, makeRequest(org), null, now);
  if (decision.kind !== "granted") throw new Error("denied");
  apply(state, { kind: "held", hold: decision.hold });
  return decision.hold.id;
}

test("a call counts for its org, and for its key only if that had limits of its own at admission", () => {
  const state = publish(publish(createState(), orgRecord(org, {}))!, keyRecord(org, 1))!;
  held(state, noon);
  expect(Object.keys(state.counters)).toEqual(["org"]);
  const limited = publish(state, keyRecord(org, 1, { limits: { requestsPerDay: 9 }, version: 2 }))!;
  held(limited, noon);
  expect(readUse(limited.counters["org"]!, "requestsPerDay", noon)).toEqual({ held: 2, settled: 0 });
  expect(readUse(limited.counters[keyId(org, 1)]!, "requestsPerDay", noon)).toEqual({ held: 1, settled: 0 });
});

test("an end changes the day and the month of its admission, and those only while they last", () => {
  const state = publish(publish(createState(), orgRecord(org, {}))!, keyRecord(org, 1))!;
  const before = Date.UTC(2032, 1, 29, 23, 59, 59);
  const [first, second] = [held(state, before), held(state, before)];
  const change = settle(state, makeRecord(org, first), null, before + 10).changes[0];
  if (change) apply(state, change);
  expect(readUse(state.counters["org"]!, "tokensPerMonth", before)).toEqual({ held: 30, settled: 30 });
  held(state, before + 5_000);
  const late = release(state, { hold: state.holds[second]!, ended: null, mayRun: false }, before + 6_000).changes[0];
  if (late) apply(state, late);
  for (const window of ["tokensPerDay", "tokensPerMonth", "costMicrosPerMonth", "requestsPerDay"] as const) {
    expect(readUse(state.counters["org"]!, window, before + 6_000).settled).toBe(0);
    expect(readUse(state.counters["org"]!, window, before + 6_000).held).toBeGreaterThan(0);
  }
  expect(readUse(state.counters["org"]!, "tokensPerMinute", before + 6_000)).toEqual({ held: 30, settled: 30 });
});

test("empty counters have nothing to wait for within a minute or an hour", () => {
  for (const window of windowNames) expect(readUse(createCounters(), window, noon)).toEqual({ held: 0, settled: 0 });
  expect(freesAtMs(createCounters(), "tokensPerMinute", noon, 5)).toBe(noon);
  expect(countsUntilMs("concurrency", noon)).toBeNull();
  expect(countsUntilMs("requestsPerHour", noon + 1)).toBe(noon + 61 * 60_000);
});
