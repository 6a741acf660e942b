/** Chance that is the same for the same seed. */
export interface Chance {
  /** From 0 up to 1. */
  next(): number;
  /** About the middle: half of all lie within a factor of `spread` of it, few far off. */
  around(middle: number, spread: number): number;
  /** One of these, each by its weight. */
  pick<T extends { weight: number }>(from: readonly T[]): T;
}

/** Chance from a text: FNV-1a for the seed, then mulberry32. */
export function openChance(seed: string): Chance {
  let state = 0x811c9dc5;
  for (let at = 0; at < seed.length; at++) state = Math.imul(state ^ seed.charCodeAt(at), 0x01000193);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    around: (middle, spread) => middle * spread ** ((next() + next() + next() - 1.5) * 2),
    pick(from) {
      const all = from.reduce((sum, { weight }) => sum + weight, 0);
      let left = next() * all;
      for (const one of from) {
        left -= one.weight;
        if (left < 0) return one;
      }
      const last = from.at(-1);
      if (!last) throw new RangeError("nothing to pick from");
      return last;
    },
  };
}
