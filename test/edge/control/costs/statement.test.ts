import { expect, test } from "vitest";
import { showLine, sumLines, writeMoney, writeStatementCsv } from "#edge/control/costs/statement.ts";

const line = {
  project: "",
  projectName: null,
  model: "chat",
  tier: "shared" as const,
  calls: 2,
  promptTokens: 10,
  cachedTokens: 4,
  completionTokens: 3,
  units: 0,
  costMicros: 1_234_567,
};

test("money is written to the millionth, however much it is", () => {
  expect([0, 1, 1_000_000, 1_234_567_890_123, -81, Number.MAX_SAFE_INTEGER].map(writeMoney)).toEqual([
    "0.000000",
    "0.000001",
    "1.000000",
    "1,234,567.890123",
    "-0.000081",
    "9,007,199,254.740991",
  ]);
});

test("the sum is of all lines, and stands below them", () => {
  const lines = [line, { ...line, project: "proj_1", projectName: "One", costMicros: 3 }];
  const totals = sumLines(lines);
  expect(totals).toMatchObject({ calls: 4, promptTokens: 20, costMicros: 1_234_570 });
  const statement = {
    org: "org_0000000000",
    orgName: "x",
    month: "2026-11",
    isFinal: false,
    writtenAt: "2026-11-30T00:00:00.000Z",
    lines: lines.map(showLine),
    totals,
    currency: "EUR",
  };
  expect(writeStatementCsv(statement).split("\r\n").slice(1)).toEqual([
    "2026-11,,,chat,shared,2,10,4,3,0,1234567,EUR",
    "2026-11,proj_1,One,chat,shared,2,10,4,3,0,3,EUR",
    "2026-11,TOTAL,,,,4,20,8,6,0,1234570,EUR",
    "",
  ]);
});
