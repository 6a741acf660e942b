/**
 * What the latest calls of one org to one model were like on one node, counted there as calls end. It comes with the
 * headers of the node's answers, as its load does, so the edge knows it before the next call without a request of its
 * own (docs/decisions/0009).
 */
export interface TrafficProfile {
  /**
   * Nine of ten completions end on their own within this many tokens. `isAtLeast`: where they end is unknown, only that
   * it is not before this.
   */
  outputTokens: number;
  isAtLeast: boolean;
  /** Tokens of a prompt found in the prefix cache, on average. */
  cachedTokens: number;
  /** Actual prompt tokens per token that the edge estimated, from `promptRatioMin` to `promptRatioMax`. */
  promptRatio: number;
}

/**
 * An estimate is never too high by more (edge/protocol/estimate.ts): a ratio below is a fault, or an attempt to be
 * placed better.
 */
export const promptRatioMin = 0.5;
/** An estimate is never too low by more: a ratio above is refused for the same reasons. */
export const promptRatioMax = 2;

/**
 * The header on an agent's answers, for the org and the model of that call: `out=210 cached=96 ratio=1.07`, or
 * `out=4096+ …` for at least. Never passed on.
 */
export const profileHeader = "x-penstock-profile";

/** Writes the traffic profile's header. */
export function writeProfile({ outputTokens, isAtLeast, cachedTokens, promptRatio }: TrafficProfile): string {
  return `out=${outputTokens}${isAtLeast ? "+" : ""} cached=${cachedTokens} ratio=${promptRatio.toFixed(3)}`;
}

/** Reads the header; anything that is not exactly such a report is `null`, never a guess. */
export function readProfile(text: string | null): TrafficProfile | null {
  const match = text?.match(/^out=(\d{1,9})(\+?) cached=(\d{1,9}) ratio=(\d(?:\.\d{1,9})?)$/);
  if (!match) return null;
  const [, out, plus, cached, ratio] = match;
  const promptRatio = Number(ratio);
  if (promptRatio < promptRatioMin || promptRatio > promptRatioMax) return null;
  return { outputTokens: Number(out), isAtLeast: plus === "+", cachedTokens: Number(cached), promptRatio };
}
