import { expect, test } from "vitest";
import { countNs, writeMetrics } from "#origin/calls/wires/ollama/metrics.ts";
import { contextOf, end } from "./world.ts";

test("durations are whole ns that add up, and counts are those of the bill", () => {
  const { done: _, done_reason: __, ...metrics } = end;
  expect(writeMetrics(contextOf())).toEqual(metrics);
});

test("without any token there is nothing to tell of tokens", () => {
  expect(writeMetrics(contextOf({}, null))).toMatchObject({
    total_duration: 100_000_000,
    prompt_eval_duration: 0,
    eval_duration: 0,
  });
});

test("a clock that was set back makes no time negative", () => {
  expect([countNs(5, 3), countNs(3, 5), countNs(0.1, 0.2)]).toEqual([0, 2_000_000, 100_000]);
});
