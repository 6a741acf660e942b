import { buildErrorHeaders } from "#edge/errors.ts";
import { describe, expect, test } from "vitest";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { callMsMax } from "#edge/limits.ts";
import { describeTimeout, readTimeout, readWait, refuseTimeout } from "#edge/protocol/openai/timeout.ts";

const own = "x-penstock-timeout-ms";
const node = "x-stainless-timeout";
const python = "x-stainless-read-timeout";

const hostile = ["NaN", "-5", "-0", "", "soon", "1,2", "Infinity", "1e400", "0x", "5s", "null"];
const huge = "99999999999999999999";

describe("how long the caller waits", () => {
  const table: [Record<string, string>, boolean, number, string | null][] = [
    [{}, false, callMsMax, null],
    [{ [own]: "5000" }, false, 5_000, own],
    [{ [own]: "5000" }, true, 5_000, own],
    [{ [own]: "0.4" }, false, 1, own],
    [{ [own]: "1e3" }, false, 1_000, own],
    [{ [own]: "1" }, false, 1, own],
    [{ [node]: "600" }, false, 601_000, node],
    [{ [node]: "600" }, true, callMsMax, null],
    [{ [python]: "600" }, true, callMsMax, null],
    [{ [node]: "900" }, false, callMsMax, null],
    [{ [node]: "60", [own]: "7" }, false, 7, own],
    ...[...hostile, huge].flatMap((text): [Record<string, string>, boolean, number, string | null][] =>
      [node, python].map((header) => [{ [header]: text }, false, callMsMax, null]),
    ),
    [{ [own]: huge }, false, callMsMax, null],
  ];
  for (const [headers, isStream, ms, header] of table) {
    test(`${JSON.stringify(headers)}${isStream ? " on a stream" : ""}: ${ms} ms`, () => {
      expect(readTimeout(new Headers(headers), isStream)).toEqual({ ms, header });
    });
  }
});

test.each(["0", ...hostile])("a header of ours that says %j is refused, beside an SDK's too", async (text) => {
  await expectRefusal(() => readTimeout(new Headers({ [own]: text, [node]: "60" }), true), "invalid_value", own);
});

/** What each SDK sends for the time that its caller gave it, in ms: seen at the SDK itself, or read in its source. */
describe("nobody is cut off before the time that they gave their SDK", () => {
  const sent: [string, number, Record<string, string>][] = [
    ["openai-node 7.55, timeout: 1900", 1_900, { [node]: "1" }],
    ["openai-node 7.55, timeout: 900", 900, { [node]: "0" }],
    ["openai-python 3.57, timeout=1", 1_000, { [python]: "1" }],
    ["openai-python 3.57, timeout=1.9", 1_900, { [python]: "1.9" }],
    ["openai-python 3.57, timeout=0.5", 500, { [python]: "0.5" }],
    ["openai-python 3.57, without one", 600_000, { [python]: "600" }],
    ["openai-go 3, WithRequestTimeout(2999 ms)", 2_999, { [node]: "2" }],
    ["openai-java, a call timeout of 5 s and a read timeout of 3.5 s", 3_500, { [node]: "5", [python]: "3" }],
  ];
  for (const [sdk, givenMs, headers] of sent) {
    test(`${sdk}: ${JSON.stringify(headers)}`, () => {
      const { ms } = readTimeout(new Headers(headers), false);
      expect(ms).toBeGreaterThanOrEqual(givenMs);
      expect(ms).toBeLessThanOrEqual(givenMs + 1_000);
    });
  }

  test("and a fraction is exact", () => {
    expect(readTimeout(new Headers({ [python]: "1.9" }), false).ms).toBe(1_900);
  });
});

test("a timeout message names who set the deadline", () => {
  expect(describeTimeout({ ms: 1_000, header: own })).toBe(
    "The call's time ran out: 1000 ms, set by the caller's 'x-penstock-timeout-ms'.",
  );
  expect(describeTimeout({ ms: callMsMax, header: null })).toContain("the longest that a call may take");
});

test("whoever set the time is told so, and that another try would end alike; our own limit is no such thing", () => {
  const details = { retryAfterMs: 1_000, log: "node_a aborted: deadline" };
  const own = refuseTimeout({ ms: 700, header: "x-stainless-timeout" }, details);
  expect([own.code, own.details]).toEqual([
    "gateway_timeout",
    {
      log: details.log,
      message: "The call's time ran out: 700 ms, set by the caller's 'x-stainless-timeout'.",
      mayRetry: false,
      event: "deadline_passed",
    },
  ]);
  expect(buildErrorHeaders(own)).not.toHaveProperty("retry-after");
  const ours = refuseTimeout({ ms: 900_000, header: null }, details);
  expect(ours.details).toEqual({
    ...details,
    message: "The call's time ran out: 900000 ms, the longest that a call may take.",
  });
});

const readSlotWait = (text: string) => readWait(new Headers({ "x-penstock-wait-ms": text }));

test("a call waits for 250 ms, or for as long as its caller says, up to half a minute", () => {
  expect(readWait(new Headers())).toBe(250);
  expect(["0", "1", "0250", "30000"].map(readSlotWait)).toEqual([0, 1, 250, 30_000]);
});

test.each(["", "soon", "-1", "1.5", "1e3", "30001", "99999", "250ms", "1 000"])(
  "%j is refused by name",
  async (text) => {
    await expectRefusal(async () => readSlotWait(text), "invalid_value", "x-penstock-wait-ms");
  },
);
