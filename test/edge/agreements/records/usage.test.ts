import { expect, test } from "vitest";
import { measureTtftMs, renameEnd, UsageRecord } from "#edge/agreements/records/usage.ts";

const record = {
  hold: `hold_${"0".repeat(22)}`,
  org: "org_0000000001",
  model: "chat",
  isFinal: true,
  promptTokens: 7,
  cachedTokens: 0,
  completionTokens: 3,
  outcome: "completed",
  responseId: null,
  startedAtMs: 1,
  firstTokenAtMs: null,
  endedAtMs: 2,
};

test.each([
  ["done", "completed"],
  ["cut", "cancelled"],
  ["broken", "failed"],
  ["corrected", "adjusted"],
  ["expired", "expired"],
  ["completed", "completed"],
  ["constructor", "constructor"],
])("an end written down as %s is %s today", (before, today) => {
  expect(renameEnd(before)).toBe(today);
});

test("a record that an older version left on a node's disk is read in today's words", () => {
  expect(UsageRecord.parse({ ...record, outcome: "cut" })).toEqual({ ...record, outcome: "cancelled", units: 0 });
  expect(UsageRecord.parse({ ...record, units: 9 })).toEqual({ ...record, units: 9 });
});

test("an outcome that no version knew is no record", () => {
  for (const outcome of ["corrected", "expired", "ok", "", null, 1]) {
    expect(UsageRecord.safeParse({ ...record, outcome }).success, String(outcome)).toBe(false);
  }
});

test.each([
  [null, null],
  [1, 0],
  [251, 250],
  [0, 0],
  [Number.MAX_SAFE_INTEGER, 86_400_000],
])("the first token at %j came after %j ms: never before its call, nor after a day", (firstTokenAtMs, ms) => {
  expect(measureTtftMs({ startedAtMs: 1, firstTokenAtMs })).toBe(ms);
});
