import { expect, test } from "vitest";
import { bucketCount, latencyBoundsMs, readLatency } from "#edge/control/usage/latency.ts";

const empty = () => Array.from({ length: bucketCount }, () => 0);

test("what nobody measured has no percentiles", () => expect(readLatency(empty(), 0)).toBeNull());

test("bounds rise by half at most, so that no percentile is further off than that", () => {
  for (const [at, bound] of latencyBoundsMs.entries())
    expect(bound / (latencyBoundsMs[at - 1] ?? bound)).toBeLessThanOrEqual(1.5);
});

test("each percentile lies in the bucket of the true one, for any values", () => {
  const values = Array.from({ length: 997 }, (_, at) => Math.floor((at * 7919) ** 1.3 % 700_000));
  const find = (ms: number) => {
    const at = latencyBoundsMs.findIndex((bound) => ms < bound);
    return at === -1 ? bucketCount - 1 : at;
  };
  const counts = empty();
  for (const ms of values) counts[find(ms)] = (counts[find(ms)] ?? 0) + 1;
  const sorted = values.toSorted((one, other) => one - other);
  const found = readLatency(
    counts,
    values.reduce((sum, ms) => sum + ms, 0),
  );
  for (const [name, share] of [
    ["p50", 0.5],
    ["p95", 0.95],
    ["p99", 0.99],
  ] as const)
    expect(find(found?.[name] ?? -1)).toBe(find(sorted[Math.ceil(share * values.length) - 1] ?? -1));
  expect(found?.calls).toBe(997);
});

test("beyond the last bound there is only 'that or longer'", () => {
  const counts = empty();
  counts[bucketCount - 1] = 3;
  expect(readLatency(counts, 3_000_000)).toEqual({
    calls: 3,
    meanMs: 1_000_000,
    p50: 680_000,
    p95: 680_000,
    p99: 680_000,
  });
});
