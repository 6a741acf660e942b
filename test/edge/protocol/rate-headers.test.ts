import { describe, expect, test } from "vitest";
import { buildWindowHeaders, formatDuration, readDuration } from "#edge/protocol/rate-headers.ts";

describe("rates in headers", () => {
  test("are written as OpenAI writes them; a window without a limit has none", () => {
    expect(buildWindowHeaders("tokens", { limit: 1_000, remaining: 12, resetMs: 360_000 })).toEqual({
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "12",
      "x-ratelimit-reset-tokens": "6m0s",
    });
    expect(buildWindowHeaders("requests", null)).toEqual({});
  });

  const durations: [number, string][] = [
    [0, "0ms"],
    [-5, "0ms"],
    [0.2, "1ms"],
    [12, "12ms"],
    [999, "999ms"],
    [999.5, "1s"],
    [1_000, "1s"],
    [1_500, "1.5s"],
    [12_345, "12.345s"],
    [59_999, "59.999s"],
    [59_999.5, "1m0s"],
    [60_000, "1m0s"],
    [60_001, "1m1s"],
    [360_000, "6m0s"],
    [3_599_999, "1h0m0s"],
    [3_600_000, "1h0m0s"],
    [3_661_000, "1h1m1s"],
    [86_399_000, "23h59m59s"],
    [86_400_000, "24h0m0s"],
    [31 * 86_400_000, "744h0m0s"],
  ];
  for (const [ms, text] of durations) test(`${ms} ms are '${text}'`, () => expect(formatDuration(ms)).toBe(text));

  test("durations are read as they were written, to the unit in which they were", () => {
    for (const [ms, text] of durations) {
      const written = Math.max(0, Math.ceil(ms));
      expect(readDuration(text), text).toBe(written < 60_000 ? written : Math.ceil(written / 1_000) * 1_000);
    }
    for (const text of ["", "soon", "1", "s", "1s2m", "-1s", "1.5m"]) expect(readDuration(text), text).toBeNull();
  });
});
