import { z } from "zod";

const Bound = z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable();

/**
 * What one org, or one key of it, may use. `null` is no limit. Requests and tokens are counts, money is integer
 * micro-units. Minute and hour are sliding windows; day and month are UTC calendar days and months.
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
/** The name of one limit, such as `requestsPerMinute`. */
export type WindowName = keyof Limits;

/** A key may have narrower limits than its org; a window that is not named is limited by the org alone. */
export const KeyLimits = Limits.partial();
export type KeyLimits = z.infer<typeof KeyLimits>;

/** The plans that an org can be on. */
export const Plan = z.enum(["standard", "professional", "enterprise"]);
export type Plan = z.infer<typeof Plan>;

/** The default quotas of every org: 100,000 requests and 10 M tokens a day, 300 M tokens a month. */
const orgQuotas = {
  tokensPerMinute: null,
  requestsPerDay: 100_000,
  tokensPerDay: 10_000_000,
  tokensPerMonth: 300_000_000,
  costMicrosPerMonth: null,
};

/**
 * The limits of each plan: requests per minute, per hour, and at once. Enterprise is 'as set': its rates must be given
 * with the plan.
 */
export const planLimits: Record<Plan, Limits> = {
  standard: { requestsPerMinute: 60, requestsPerHour: 3_000, concurrency: 5, ...orgQuotas },
  professional: { requestsPerMinute: 300, requestsPerHour: 15_000, concurrency: 20, ...orgQuotas },
  enterprise: { requestsPerMinute: null, requestsPerHour: null, concurrency: null, ...orgQuotas },
};
