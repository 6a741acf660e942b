import type { MonthSpan } from "./month.ts";

const dayMs = 86_400_000;

/** How far a forecast looks back. */
export const forecastDays = 7;

/** What was spent, and in how much of the time that a forecast looks back on. */
export interface SpendPace {
  spentMicros: number;
  recentMicros: number;
  recentMs: number;
}

/**
 * What a month will have cost, if the rest of it goes as the last seven days did: null before it begins, what was spent
 * once it is over.
 */
export function forecastMonth({ fromMs, toMs }: MonthSpan, pace: SpendPace, nowMs: number): number | null {
  const { spentMicros, recentMicros, recentMs } = pace;
  if (nowMs < fromMs) return null;
  if (nowMs >= toMs || recentMs <= 0) return spentMicros;
  return spentMicros + Math.round((recentMicros / recentMs) * (toMs - nowMs));
}

/** From when on a forecast looks back: seven days, but not before the org was there. */
export function startLookingBack(nowMs: number, createdAtMs: number): number {
  return Math.max(nowMs - forecastDays * dayMs, createdAtMs);
}
