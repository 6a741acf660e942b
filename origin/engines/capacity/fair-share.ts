/** What calls have of an engine, or ask of it. */
export interface EngineUse {
  calls: number;
  sequences: number;
  /** Tokens that they may come to have in the pool. */
  tokens: number;
}

/** The bounds of each; `null` where none is known. */
export type Bounds = { readonly [Name in keyof EngineUse]: number | null };

/** Whether a call fits; if not, whose calls must end first: the org's own, or anyone's. */
export type ShareCheck = "fits" | "org_share_full" | "engine_full";

/** Of a caller who has nothing. */
export const nothing: Readonly<EngineUse> = { calls: 0, sequences: 0, tokens: 0 };

const names = ["calls", "sequences", "tokens"] as const;

/**
 * The most that one org may have of a bound: half beside others, and alone the given share (0.5 to 1), so that whoever
 * comes next finds room at once. Never less than 1, or a small engine would serve nobody.
 */
export function computeOrgMax(bound: number, shareMax: number, isAlone: boolean): number {
  return Math.max(1, Math.floor(bound * (isAlone ? shareMax : 0.5)));
}

/**
 * Judges a call by what its org has at the engine and what all others have. No sum ever exceeds a bound. Since no org
 * gets beyond its share, the rest of an engine that one org has filled is there for any other.
 */
export function checkShare(
  wanted: EngineUse,
  held: { own: EngineUse; others: EngineUse },
  bounds: Bounds,
  shareMax: number,
): ShareCheck {
  const isAlone = held.others.calls === 0;
  const isBeyond = (bound: number | null, amount: number) => bound !== null && amount > bound;
  const isShareFull = names.some((name) => {
    const bound = bounds[name];
    return isBeyond(bound && computeOrgMax(bound, shareMax, isAlone), held.own[name] + wanted[name]);
  });
  if (isShareFull) return "org_share_full";
  const isFull = names.some((name) => isBeyond(bounds[name], held.own[name] + held.others[name] + wanted[name]));
  return isFull ? "engine_full" : "fits";
}
