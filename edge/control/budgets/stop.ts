import type { Limits } from "../../agreements/records/quota.ts";

/**
 * Limits as their record takes them where a budget stops what goes beyond it: of the month's money the narrower of the
 * two holds. The ledger then never lets a call begin that might cost more than is left.
 */
export function applyStop<Some extends Partial<Limits> | null>(limits: Some, stopMicros: number | null) {
  if (stopMicros === null) return limits;
  const known = limits?.costMicrosPerMonth ?? null;
  return { ...limits, costMicrosPerMonth: Math.min(known ?? Infinity, stopMicros) };
}
