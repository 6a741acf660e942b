import { z } from "@hono/zod-openapi";

/**
 * Where the buckets of a histogram end, in ms: bucket `i` has what took at least `bounds[i - 1]` and less than
 * `bounds[i]`; the first begins at 0, the last has no end. Six to a power of ten, from 10 ms to 680 s. The roll-ups'
 * trigger (migration 0009) counts by the same.
 */
export const latencyBoundsMs: readonly number[] = [1, 10, 100, 1_000, 10_000].flatMap((power) =>
  [10, 15, 22, 33, 47, 68].map((step) => step * power),
);

/** How many buckets a histogram has. */
export const bucketCount = latencyBoundsMs.length + 1;

/** The shares that are asked for, by their names in answers. */
const shares = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

const Percentile = z.int().openapi({
  description:
    "In ms, from a histogram: the true value lies in the same bucket, and those are 50 % wide. 680000: that or longer.",
});

/** How long calls took, as answers say it; `null` where none did. */
export const Latency = z
  .strictObject({
    calls: z.int().openapi({ description: "How many calls it was measured of." }),
    meanMs: z.int(),
    p50: Percentile,
    p95: Percentile,
    p99: Percentile,
  })
  .openapi("Latency");
export type Latency = z.infer<typeof Latency>;

/** What a histogram's counts and the sum of all say of how long calls took; `null` when it has counted none. */
export function readLatency(counts: readonly number[], sumMs: number): Latency | null {
  const calls = counts.reduce((sum, count) => sum + count, 0);
  if (calls === 0) return null;
  const find = (share: number) => findShare(counts, Math.max(1, Math.ceil(share * calls)));
  return {
    calls,
    meanMs: Math.round(sumMs / calls),
    p50: find(shares.p50),
    p95: find(shares.p95),
    p99: find(shares.p99),
  };
}

/** The value of the `rank`th call, taken to lie in its bucket as evenly as all others of it. */
function findShare(counts: readonly number[], rank: number): number {
  let before = 0;
  for (const [at, count] of counts.entries()) {
    if (before + count < rank) {
      before += count;
      continue;
    }
    const low = latencyBoundsMs[at - 1] ?? 0;
    const high = latencyBoundsMs[at] ?? low;
    return Math.round(low + ((high - low) * (rank - before - 0.5)) / count);
  }
  return latencyBoundsMs.at(-1) ?? 0;
}
