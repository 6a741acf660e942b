import { expect, test } from "vitest";
import { answerOracle, makeReport, type OracleRecord } from "#infra/simulator/text/oracle.ts";

const record: OracleRecord = {
  id: "chatcmpl-1",
  requestId: null,
  path: "/v1/completions",
  model: "m",
  status: 200,
  promptTokens: 3,
  cachedTokens: 0,
  generatedTokens: 5,
  emittedTokens: 4,
  finishReasons: [],
  outcome: "cancelled",
  startedAtMs: 1,
  endedAtMs: 2,
};

test("totals are the sums of the records, and the records are copies", () => {
  const { records, totals } = makeReport([record, { ...record, outcome: "completed", emittedTokens: 5 }]);
  expect(totals).toEqual({
    calls: 2,
    promptTokens: 6,
    generatedTokens: 10,
    emittedTokens: 9,
    outcomes: { open: 0, completed: 1, cancelled: 1, failed: 0, error: 0, refused: 0 },
  });
  expect(records[0]).toEqual(record);
  expect(records[0]).not.toBe(record);
});

test("one request can be asked for alone", () => {
  const records = [record, { ...record, requestId: "hold_1" }];
  const count = (url?: string) => JSON.parse(answerOracle(records, url)).totals.calls;
  expect([count(), count("/sim/oracle"), count("/sim/oracle?request=hold_1"), count("/sim/oracle?request=x")]).toEqual([
    2, 2, 1, 0,
  ]);
});
