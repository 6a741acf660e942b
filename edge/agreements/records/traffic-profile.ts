/**
 * What the latest calls of one org to one model were like on one node, counted there as calls end. It rides on the head
 * of the node's answers, as its load does, so the edge knows it before the next call without asking anybody
 * (docs/decisions/0009).
 */
export interface Habit {
  /**
   * Nine of ten completions end by themselves within so many tokens. `isAtLeast`: where they end is not known, only
   * that it is not before this.
   */
  outputTokens: number;
  isAtLeast: boolean;
  /** Tokens of a prompt that the prefix cache had, on average. */
  cachedTokens: number;
  /**
   * Tokens that prompts really had for each that the edge had estimated, within `promptRatioMin` and `promptRatioMax`.
   */
  promptRatio: number;
}

/**
 * An estimate is not off by more (protocol/estimate.ts): what lies beyond is a fault, or an attempt to be placed
 * better.
 */
export const promptRatioMin = 0.5;
export const promptRatioMax = 2;

/**
 * The header on an agent's answers, for the org and the model of that call: `out=210 cached=96 ratio=1.07`, or
 * `out=4096+ …` for at least. Never passed on.
 */
export const habitHeader = "x-penstock-profile";

export function writeHabit({ outputTokens, isAtLeast, cachedTokens, promptRatio }: Habit): string {
  return `out=${outputTokens}${isAtLeast ? "+" : ""} cached=${cachedTokens} ratio=${promptRatio.toFixed(3)}`;
}

/** Reads the header; anything that is not exactly such a report is `null`, never a guess. */
export function readHabit(text: string | null): Habit | null {
  const match = text?.match(/^out=(\d{1,9})(\+?) cached=(\d{1,9}) ratio=(\d(?:\.\d{1,9})?)$/);
  if (!match) return null;
  const [, out, plus, cached, ratio] = match;
  const promptRatio = Number(ratio);
  if (promptRatio < promptRatioMin || promptRatio > promptRatioMax) return null;
  return { outputTokens: Number(out), isAtLeast: plus === "+", cachedTokens: Number(cached), promptRatio };
}
