import { expect, test } from "vitest";
import { EngineStats, Histogram } from "#infra/simulator/engine/stats.ts";

test("a histogram counts each value in the first bound that holds it", () => {
  const histogram = new Histogram([1, 5]);
  for (const value of [0, 1, 2, 9]) histogram.observe(value);
  expect([histogram.counts, histogram.count, histogram.sum]).toEqual([[2, 1], 4, 12]);
});

test("a finished sequence is counted by its reason, an abort is not", () => {
  const stats = new EngineStats();
  stats.finish("stop", 10, 5, 1);
  expect(stats.finished).toEqual({ stop: 1, length: 0, abort: 0, error: 0, repetition: 0 });
  expect([stats.requestPromptTokens.sum, stats.requestGenerationTokens.sum, stats.latencySeconds.count]).toEqual([
    10, 5, 1,
  ]);
});
