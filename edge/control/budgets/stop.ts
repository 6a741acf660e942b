import { mapNames } from "../../agreements/names.ts";
import type { KeyLimits, Limits } from "../../agreements/records/quota.ts";
import { windowNames, windows, type WindowRule } from "../../agreements/records/windows.ts";

/** The windows of a month's money. */
const stopped = windowNames.filter((name) => {
  const rule: WindowRule = windows[name];
  return rule.unit === "money" && rule.kind === "calendar" && rule.period === "month";
});

/**
 * Limits as their record takes them where a budget stops what goes beyond it: of the month's money the narrower of the
 * two holds. The ledger then never lets a call begin that might cost more than is left.
 */
export function applyStop(limits: Limits, stopMicros: number | null): Limits;
export function applyStop(limits: KeyLimits | null, stopMicros: number | null): KeyLimits | null;
export function applyStop(limits: KeyLimits | null, stopMicros: number | null): KeyLimits | null {
  if (stopMicros === null) return limits;
  return { ...limits, ...mapNames(stopped, (name) => Math.min(limits?.[name] ?? Infinity, stopMicros)) };
}
