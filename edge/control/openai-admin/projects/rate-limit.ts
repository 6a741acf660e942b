import { z } from "@hono/zod-openapi";
import { listNames, mapNames } from "../../../agreements/names.ts";
import type { KeyLimits, Limits } from "../../../agreements/records/quota.ts";
import { windowNames, windows, type WindowName, type WindowRule } from "../../../agreements/records/windows.ts";

/** The one rate limit that a project has: its windows hold for all its models together. */
export const rateLimitId = "rate_limit_all";
const allModels = "*";
/** Where neither the project nor its org has a limit: OpenAI's form has no word for none. */
export const unlimited = Number.MAX_SAFE_INTEGER;

const find = (fits: (rule: WindowRule) => boolean): WindowName => {
  const name = windowNames.find((each) => fits(windows[each]));
  if (name === undefined) throw new RangeError("no such window");
  return name;
};
const minuteMs = 60_000;

/** OpenAI's names of limits, and the windows that they are here. */
export const rateLimitWindows = {
  max_requests_per_1_minute: find((rule) => {
    return rule.unit === "requests" && rule.kind === "sliding" && rule.lengthMs === minuteMs;
  }),
  max_tokens_per_1_minute: find((rule) => {
    return rule.unit === "tokens" && rule.kind === "sliding" && rule.lengthMs === minuteMs;
  }),
  max_requests_per_1_day: find((rule) => {
    return rule.unit === "requests" && rule.kind === "calendar" && rule.period === "day";
  }),
} as const;

const names = listNames(rateLimitWindows);

/** A project's rate limit as OpenAI's admin API shows it. */
export const OpenAiRateLimit = z
  .strictObject({
    id: z.literal(rateLimitId),
    object: z.literal("project.rate_limit"),
    model: z.literal(allModels).openapi({ description: "The windows hold for all models together." }),
    ...mapNames(names, () =>
      z.int().openapi({
        description: `The narrower of the project's and its org's; ${unlimited} where neither has one.`,
      }),
    ),
  })
  .openapi("OpenAiRateLimit");

/** What a body may set of it; `null` lifts the project's own. */
export const OpenAiRateLimitUpdate = z
  .strictObject(mapNames(names, () => z.int().min(0).max(unlimited).nullish()))
  .refine((body) => Object.values(body).some((value) => value !== undefined), "Nothing to change.")
  .openapi("OpenAiRateLimitUpdate", { minProperties: 1 });

/** What holds for a project's calls, as OpenAI's admin API shows it. */
export function toOpenAiRateLimit(project: KeyLimits | null, org: Limits): z.infer<typeof OpenAiRateLimit> {
  const read = (name: (typeof names)[number]) => {
    const window = rateLimitWindows[name];
    return Math.min(project?.[window] ?? unlimited, org[window] ?? unlimited);
  };
  return { id: rateLimitId, object: "project.rate_limit", model: allModels, ...mapNames(names, read) };
}

/** The windows that a body sets. */
export function readRateLimits(body: z.infer<typeof OpenAiRateLimitUpdate>): KeyLimits {
  const given = names.filter((name) => body[name] !== undefined);
  return Object.fromEntries(given.map((name) => [rateLimitWindows[name], body[name]]));
}
