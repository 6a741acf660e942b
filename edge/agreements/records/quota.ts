import { z } from "zod";

const Bound = z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable();

/**
 * What one org, or one key of it, may use. `null` is no limit of its own. Requests and tokens are counts, money is
 * integer micro-units. Minute and hour slide; day and month are UTC calendar days and months.
 */
export const Limits = z.strictObject({
  requestsPerMinute: Bound,
  requestsPerHour: Bound,
  concurrency: Bound,
  tokensPerMinute: Bound,
  requestsPerDay: Bound,
  tokensPerDay: Bound,
  tokensPerMonth: Bound,
  costMicrosPerMonth: Bound,
});
export type Limits = z.infer<typeof Limits>;
export type WindowName = keyof Limits;

/** A key may be given narrower limits than its org has; a window that is not named is the org's alone. */
export const KeyLimits = Limits.partial();
export type KeyLimits = z.infer<typeof KeyLimits>;

export const Plan = z.enum(["standard", "professional", "enterprise"]);
export type Plan = z.infer<typeof Plan>;

/** The quotas of every org by default: 100,000 requests and 10 M tokens a day, 300 M tokens a month (seed s1). */
const orgQuotas = {
  tokensPerMinute: null,
  requestsPerDay: 100_000,
  tokensPerDay: 10_000_000,
  tokensPerMonth: 300_000_000,
  costMicrosPerMonth: null,
};

/**
 * Plans of seed s0: requests a minute, an hour, and at once. Enterprise is 'as set': its rates must be given with the
 * plan.
 */
export const planLimits: Record<Plan, Limits> = {
  standard: { requestsPerMinute: 60, requestsPerHour: 3_000, concurrency: 5, ...orgQuotas },
  professional: { requestsPerMinute: 300, requestsPerHour: 15_000, concurrency: 20, ...orgQuotas },
  enterprise: { requestsPerMinute: null, requestsPerHour: null, concurrency: null, ...orgQuotas },
};
