import * as fc from "fast-check";
import { expect, test } from "vitest";
import { clampedCompletion, firstShut, lanesOf, ratesOf, tokensFitting } from "../../../edge/admission/lanes.ts";
import { decide } from "../../../edge/admission/decide.ts";
import { publish } from "../../../edge/admission/publish.ts";
import { emptyState } from "../../../edge/admission/state.ts";
import { costMicros } from "../../../edge/agreements/model.ts";
import type { Limits } from "../../../edge/agreements/quota.ts";
import { askOf, freshOrg, keyOf, keyRecord, noon, orgRecord } from "../../contracts/ledger-fixtures.ts";

const org = freshOrg();

function stateWith(limits: Partial<Limits>, keyLimits: Partial<Limits> | null = null) {
  return publish(publish(emptyState(), orgRecord(org, limits))!, keyRecord(org, 1, { limits: keyLimits }))!;
}

const lanesWith = (limits: Partial<Limits>, keyLimits: Partial<Limits> | null = null) => {
  const state = stateWith(limits, keyLimits);
  return lanesOf(state, state.keys[keyOf(org, 1)]!, noon);
};

test("a lane for every limit there is, the key's own first", () => {
  const lanes = lanesWith({ concurrency: 2, requestsPerMinute: 5 }, { tokensPerDay: 7, requestsPerHour: null });
  expect(lanes.map(({ of, window, remaining }) => [of, window, remaining])).toEqual([
    ["key", "tokensPerDay", 7], ["org", "requestsPerMinute", 5], ["org", "concurrency", 2],
  ]);
  expect(ratesOf(lanes, null, noon)).toEqual({ requests: { limit: 5, remaining: 5, resetMs: 0 }, tokens: { limit: 7, remaining: 7, resetMs: 0 } });
});

test("a clamped completion fits, one token more would not, and it is never 0", () => {
  const price = fc.record({ promptMicrosPerMTok: fc.nat(9_000_000), completionMicrosPerMTok: fc.nat(9_000_000) });
  const numbers = fc.record({ promptTokens: fc.nat(500), completionTokens: fc.integer({ min: 1, max: 500 }), choices: fc.integer({ min: 1, max: 8 }), price });
  fc.assert(
    fc.property(numbers, fc.nat(3_000), fc.nat(9_000), (asked, tokensPerDay, costMicrosPerMonth) => {
      const ask = askOf(org, asked);
      const clamped = clampedCompletion(lanesWith({ tokensPerDay, costMicrosPerMonth }), ask);
      const fits = (completion: number) =>
        ask.promptTokens + ask.choices * completion <= tokensPerDay && costMicros(ask.price, ask.promptTokens, ask.choices * completion) <= costMicrosPerMonth;
      const isLargest = fits(clamped) && (clamped === ask.completionTokens || !fits(clamped + 1));
      expect(fits(1) ? isLargest : clamped === ask.completionTokens).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("the tokens that fit are those of the narrowest window; money is spent on the prompt first", () => {
  const ask = askOf(org, { promptTokens: 10, completionTokens: 100 });
  expect(tokensFitting(lanesWith({ tokensPerDay: 50, tokensPerMonth: 40 }), ask)).toBe(40);
  expect(tokensFitting(lanesWith({ costMicrosPerMonth: 30 }), ask)).toBe(20);
  expect(tokensFitting(lanesWith({ costMicrosPerMonth: 7 }), ask)).toBe(7);
});

test("a limit that is less than the ask itself is named before any that only has to be waited for", () => {
  const state = stateWith({ requestsPerDay: 0, tokensPerMonth: 1 });
  const decision = decide(stateWith({}), askOf(org), null, noon);
  if (decision.kind !== "granted") throw new Error("denied");
  const lanes = lanesOf(state, state.keys[keyOf(org, 1)]!, noon);
  expect(firstShut(state, lanes, decision.hold)).toMatchObject({ lane: { window: "requestsPerDay" }, opensAtMs: noon + 12 * 3_600_000 });
  expect(firstShut(state, [], decision.hold)).toBeNull();
});
