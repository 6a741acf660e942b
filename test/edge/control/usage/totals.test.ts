import { expect, it } from "vitest";
import { showCounts, showTotals } from "#edge/control/usage/totals.ts";

const sums = { calls: 1, prompt_tokens: 2, cached_tokens: 3, completion_tokens: 4, cost_micros: 5 };
const counts = { promptTokens: 2, cachedTokens: 3, completionTokens: 4, costMicros: 5 };

it("names the sums as answers do", () => {
  expect(showTotals(sums)).toEqual({ calls: 1, ...counts });
  expect(showCounts(sums)).toEqual(counts);
});
