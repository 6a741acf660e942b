import type { ChartContent } from "../parts/chart/options.ts";

/** What a group had in one step of a span. */
export interface GroupedPoint {
  atMs: number;
  group: string;
  value: number | null;
}

const seriesMax = 7;

/**
 * Points as a chart wants them: the groups with the most, each with a value at every step (zero where it had none), and
 * one for all the rest. Groups keep the order of their sums.
 */
export function arrange(
  points: readonly GroupedPoint[],
  steps: readonly number[],
  names: { label: (atMs: number) => string; group: (group: string) => string; others: string },
): ChartContent {
  const sums = new Map<string, number>();
  for (const { group, value } of points) sums.set(group, (sums.get(group) ?? 0) + (value ?? 0));
  const ranked = [...sums].toSorted(([, one], [, other]) => other - one).map(([group]) => group);
  const kept = ranked.length > seriesMax + 1 ? ranked.slice(0, seriesMax) : ranked;
  const rows = new Map(kept.map((group) => [group, steps.map(() => 0)]));
  const rest = steps.map(() => 0);
  const positions = new Map(steps.map((atMs, at) => [atMs, at]));
  for (const { atMs, group, value } of points) {
    const at = positions.get(atMs);
    if (at === undefined) continue;
    const row = rows.get(group) ?? rest;
    row[at] = (row[at] ?? 0) + (value ?? 0);
  }
  const series = kept.map((group) => ({ name: names.group(group), values: rows.get(group) ?? [] }));
  return {
    labels: steps.map(names.label),
    series: kept.length < ranked.length ? [...series, { name: names.others, values: rest }] : series,
  };
}
