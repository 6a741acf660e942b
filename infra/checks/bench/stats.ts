/** The middle of the values (the mean of the two middle ones); NaN for none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which a share `q` (0 to 1) of the values lies, interpolated between neighbours (Hyndman and Fan's
 * type 7); NaN for none.
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** The result of several rounds: the median, with the least and the greatest beside it. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** The spread of the values; all NaN for none. */
export function measureSpread(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Uniform numbers in [0, 1) from a seed (mulberry32), so that each target of a round meets the same arrivals. */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Arrival times in ms of a Poisson process, from 0 until `ms`. */
export function makeArrivals(perSecond: number, ms: number, random: () => number): number[] {
  const times: number[] = [];
  for (let at = next(); at < ms; at += next()) times.push(at);
  return times;

  function next(): number {
    return (-Math.log(1 - random()) / perSecond) * 1_000;
  }
}

/**
 * So many draws from 0 to `ranks - 1` by Zipf's law: rank `r` comes in proportion to 1 / (r + 1). By inversion of the
 * cumulative weights.
 */
export function makeZipf(ranks: number, draws: number, random: () => number): number[] {
  const cumulated: number[] = [];
  for (let rank = 0; rank < ranks; rank++) cumulated.push((cumulated.at(-1) ?? 0) + 1 / (rank + 1));
  const all = cumulated.at(-1) ?? 0;
  return Array.from({ length: draws }, () => findFirstAbove(cumulated, random() * all));
}

/** The first index whose value is above `bound`, in a list that rises; the last one when there is none. */
function findFirstAbove(rising: readonly number[], bound: number): number {
  let low = 0;
  let high = rising.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] ?? 0) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
