import * as fc from "fast-check";
import { expect, test } from "vitest";
import { apply } from "#edge/ledger/counters.ts";
import {
  clampCompletion,
  findExceeded,
  listLimitChecks,
  reportRates,
  countFittingTokens,
} from "#edge/ledger/limits.ts";
import { decide } from "#edge/ledger/decide.ts";
import { publish } from "#edge/ledger/publish.ts";
import { createState } from "#edge/ledger/state.ts";
import { computeCostMicros } from "#edge/agreements/records/model.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import { makeRequest, freshOrg, keyId, keyRecord, noon, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

function stateWith(limits: Partial<Limits>, keyLimits: Partial<Limits> | null = null) {
  return publish(publish(createState(), orgRecord(org, limits))!, keyRecord(org, 1, { limits: keyLimits }))!;
}

const lanesWith = (limits: Partial<Limits>, keyLimits: Partial<Limits> | null = null) => {
  const state = stateWith(limits, keyLimits);
  return listLimitChecks(state, state.keys[keyId(org, 1)]!, noon);
};

test("a check for every limit there is, the key's own first", () => {
  const checks = lanesWith({ concurrency: 2, requestsPerMinute: 5 }, { tokensPerDay: 7, requestsPerHour: null });
  expect(checks.map(({ of, window, remaining }) => [of, window, remaining])).toEqual([
    ["key", "tokensPerDay", 7],
    ["org", "requestsPerMinute", 5],
    ["org", "concurrency", 2],
  ]);
  expect(reportRates(checks, null, noon)).toEqual({
    requests: { limit: 5, remaining: 5, resetMs: 0 },
    tokens: { limit: 7, remaining: 7, resetMs: 0 },
  });
});

test("a clamped completion fits, one token more would not, and it is never 0", () => {
  const price = fc.record({ promptMicrosPerMTok: fc.nat(9_000_000), completionMicrosPerMTok: fc.nat(9_000_000) });
  const numbers = fc.record({
    promptTokens: fc.nat(500),
    completionTokens: fc.integer({ min: 1, max: 500 }),
    choices: fc.integer({ min: 1, max: 8 }),
    price,
  });
  fc.assert(
    fc.property(numbers, fc.nat(3_000), fc.nat(9_000), (asked, tokensPerDay, costMicrosPerMonth) => {
      const request = makeRequest(org, asked);
      const clamped = clampCompletion(lanesWith({ tokensPerDay, costMicrosPerMonth }), request);
      const fits = (completion: number) =>
        request.promptTokens + request.choices * completion <= tokensPerDay &&
        computeCostMicros(request.price, request.promptTokens, request.choices * completion) <= costMicrosPerMonth;
      const isLargest = fits(clamped) && (clamped === request.completionTokens || !fits(clamped + 1));
      expect(fits(1) ? isLargest : clamped === request.completionTokens).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("the tokens that fit are those of the narrowest window; money is spent on the prompt first", () => {
  const request = makeRequest(org, { promptTokens: 10, completionTokens: 100 });
  expect(countFittingTokens(lanesWith({ tokensPerDay: 50, tokensPerMonth: 40 }), request)).toBe(40);
  expect(countFittingTokens(lanesWith({ costMicrosPerMonth: 30 }), request)).toBe(20);
  expect(countFittingTokens(lanesWith({ costMicrosPerMonth: 7 }), request)).toBe(7);
});

test("nothing is never divided by: what is free, has no choices or fits to the last millionth", () => {
  const free = { promptMicrosPerMTok: 0, completionMicrosPerMTok: 0 };
  expect(countFittingTokens(lanesWith({ costMicrosPerMonth: 0 }), makeRequest(org, { price: free }))).toBe(
    Number.MAX_SAFE_INTEGER,
  );
  const prompts = { promptMicrosPerMTok: 1_000_000, completionMicrosPerMTok: 0 };
  expect(
    countFittingTokens(lanesWith({ costMicrosPerMonth: 7 }), makeRequest(org, { price: prompts, promptTokens: 7 })),
  ).toBe(Number.MAX_SAFE_INTEGER);
  expect(clampCompletion(lanesWith({ tokensPerDay: 10 }), makeRequest(org, { promptTokens: 10, choices: 0 }))).toBe(20);
});

test("a window that a call takes nothing of stays full; one that it takes of is full again when that has gone", () => {
  const makeHold = (fields: Parameters<typeof makeRequest>[1]) => {
    const decision = decide(stateWith({}), makeRequest(org, fields), null, noon);
    return decision.kind === "granted" ? decision.hold : null;
  };
  const checks = lanesWith({ tokensPerMinute: 100, requestsPerMinute: 2 });
  expect(reportRates(checks, makeHold({ promptTokens: 0, completionTokens: 0 }), noon)).toEqual({
    requests: { limit: 2, remaining: 1, resetMs: 61_000 },
    tokens: { limit: 100, remaining: 100, resetMs: 0 },
  });
  expect(reportRates(checks, makeHold({ promptTokens: 1, completionTokens: 0 }), noon).tokens).toEqual({
    limit: 100,
    remaining: 99,
    resetMs: 61_000,
  });
});

test("a key's slot is freed only by a call counted for it, not by another key's or one from before its limits", () => {
  let state = publish(stateWith({}), keyRecord(org, 2, { limits: { concurrency: 9 } }))!;
  const hold = (key: number, ttlMs: number) => {
    const decision = decide(state, makeRequest(org, { key: keyId(org, key), ttlMs }), null, noon);
    if (decision.kind !== "granted") throw new Error("denied");
    apply(state, { kind: "held", hold: decision.hold });
  };
  hold(1, 1_000);
  hold(2, 2_000);
  const limited = (concurrency: number, version: number) =>
    publish(state, keyRecord(org, 1, { limits: { concurrency }, version }))!;
  state = limited(4, 2);
  for (const ttlMs of [6_000, 4_000, 3_000, 5_000]) hold(1, ttlMs);
  const reported = (concurrency: number, version: number) =>
    decide(limited(concurrency, version), makeRequest(org), null, noon);
  expect(reported(4, 3)).toMatchObject({ denial: { window: "concurrency", of: "key", resetAtMs: noon + 3_000 } });
  expect(reported(2, 3)).toMatchObject({ denial: { resetAtMs: noon + 5_000 } });
});

test("a limit smaller than the request itself is named before any that time alone would open", () => {
  const state = stateWith({ requestsPerDay: 0, tokensPerMonth: 1 });
  const decision = decide(stateWith({}), makeRequest(org), null, noon);
  if (decision.kind !== "granted") throw new Error("denied");
  const checks = listLimitChecks(state, state.keys[keyId(org, 1)]!, noon);
  expect(findExceeded(state, checks, decision.hold, noon)).toMatchObject({
    check: { window: "requestsPerDay" },
    opensAtMs: noon + 12 * 3_600_000,
  });
  expect(findExceeded(state, [], decision.hold, noon)).toBeNull();
});
