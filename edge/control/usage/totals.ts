import { z } from "@hono/zod-openapi";
import type { UsageSums } from "./queries.ts";

/** What costs are in. */
export const Currency = z.string().openapi({ description: "ISO 4217. `costMicros` are millionths of it." });

/** Sums over rows of the bill. */
export const UsageTotals = z
  .strictObject({
    calls: z.int(),
    promptTokens: z.int(),
    cachedTokens: z.int(),
    completionTokens: z.int(),
    costMicros: z.int(),
  })
  .openapi("UsageTotals");

/** The answer for sums. */
export function showTotals(sums: UsageSums): z.infer<typeof UsageTotals> {
  return { calls: sums.calls, ...showCounts(sums) };
}

/** Counts and cost of a row, or of a sum, as answers name them. */
export function showCounts(row: Omit<UsageSums, "calls">) {
  return {
    promptTokens: row.prompt_tokens,
    cachedTokens: row.cached_tokens,
    completionTokens: row.completion_tokens,
    costMicros: row.cost_micros,
  };
}
