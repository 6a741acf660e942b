import { z } from "zod";
import { mapNames } from "../names.ts";
import { windowNames, windows } from "./windows.ts";

const Bound = z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable();

/**
 * What one org, or one key of it, may use, window by window (windows.ts). `null` is no limit. Requests and tokens are
 * counts, money is integer micro-units. Minute and hour are sliding windows; day and month are UTC calendar days and
 * months.
 */
export const Limits = z.strictObject(mapNames(windowNames, () => Bound));
export type Limits = z.infer<typeof Limits>;

/** The name of a window, in what is read from elsewhere. */
export const Window = z.enum(windowNames);

/** A key may have narrower limits than its org; a window that is not named is limited by the org alone. */
export const KeyLimits = Limits.partial();
export type KeyLimits = z.infer<typeof KeyLimits>;

/** The plans that an org can be on. */
export const Plan = z.enum(["standard", "professional", "enterprise"]);
export type Plan = z.infer<typeof Plan>;

/** The limits of each plan. Enterprise is 'as set': its rates must be given with the plan. */
export const planLimits: Record<Plan, Limits> = mapNames(Plan.options, (plan) =>
  mapNames(windowNames, (window) => windows[window].byPlan[plan]),
);
