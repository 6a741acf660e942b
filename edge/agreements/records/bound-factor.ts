/**
 * The header on an agent's answers, for the org and the model of that call, once an engine has counted more tokens of a
 * prompt than were held for it: by how much the bounds of this org's prompts are to be multiplied, a whole number from
 * 2 to `boundFactorMax`. Never passed on to callers (docs/decisions/0014).
 */
export const boundFactorHeader = "x-penstock-bound";

/** No bound is believed to be wrong by more: a node cannot make an org's calls hold more than this many times. */
export const boundFactorMax = 8;

/** The factor by which a bound has to be multiplied to cover this count, from 1 to `boundFactorMax`. */
export function findBoundFactor(countedTokens: number, boundTokens: number): number {
  if (countedTokens <= boundTokens) return 1;
  return Math.min(boundFactorMax, Math.ceil(countedTokens / Math.max(1, boundTokens)));
}

/** Reads the header; anything that is not exactly such a factor is `null`, never a guess. */
export function readBoundFactor(text: string | null): number | null {
  const factor = text !== null && /^\d$/.test(text) ? Number(text) : 0;
  return factor >= 2 && factor <= boundFactorMax ? factor : null;
}
