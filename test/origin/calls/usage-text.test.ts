import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCounts, findUsageText } from "#origin/calls/usage-text.ts";

describe("an engine's usage", () => {
  test("any counts are read as they stand, in any order and spacing", () => {
    const count = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(count, count, count, fc.constantFrom(undefined, 1, "\t"), (prompt, completion, cached, space) => {
        const usage = {
          completion_tokens: completion,
          prompt_tokens_details: { cached_tokens: cached },
          prompt_tokens: prompt,
        };
        expect(readCounts(JSON.stringify(usage, null, space))).toEqual({ prompt, completion, cached });
      }),
    );
  });

  const hostile = fc.oneof(
    fc.constantFrom(
      "-1",
      "-0",
      "1.5",
      "1e3",
      "1E3",
      "0x10",
      "01",
      "9007199254740993",
      "99999999999999999999",
      "null",
      "true",
      '"5"',
      "[5]",
      '{"x":5}',
      "NaN",
      "Infinity",
      "٣",
      "",
      "+5",
    ),
    fc.double({ noInteger: true }).map(String),
    fc.integer({ max: -1 }).map(String),
  );
  test("a value that is no plain non-negative integer is no count (Q7)", () => {
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        expect(readCounts(`{"prompt_tokens":${one},"completion_tokens":${other},"total_tokens":9}`)).toMatchObject({
          prompt: null,
          completion: null,
        });
      }),
    );
  });

  test("the largest exact integer is a count", () => {
    expect(readCounts('{"prompt_tokens":9007199254740991}').prompt).toBe(9_007_199_254_740_991);
  });
});

describe("finding usage", () => {
  test("whatever text stands around it", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const json = JSON.stringify({
          choices: [{ text: before, "a usage": after }],
          usage: { prompt_tokens: 3, note: after },
          model: before.replaceAll("usage", ""),
        });
        expect(JSON.parse(findUsageText(json) ?? "null")).toEqual({ prompt_tokens: 3, note: after });
      }),
    );
  });

  test.each([
    '{"usage":null}',
    '{"usage":[1]}',
    "{}",
    '{"text":"\\"usage\\":{}"}',
    '{"usage":{"prompt_tokens":1',
    '"usage"',
  ])("%s holds none", (json) => {
    expect(findUsageText(json)).toBeNull();
  });
});
