import { expect, it } from "vitest";
import { Plan, planLimits } from "#edge/agreements/records/quota.ts";
import { resolveLimits, Org, toOrg } from "#edge/control/orgs/org.ts";

it("gives every plan its limits, and lets given ones have the last word", () => {
  for (const plan of Plan.options) expect(resolveLimits(plan, undefined)).toEqual(planLimits[plan]);
  expect(resolveLimits("standard", { concurrency: null, requestsPerMinute: 0 })).toEqual({
    ...planLimits.standard,
    concurrency: null,
    requestsPerMinute: 0,
  });
});

it("shows a row as the document describes it", () => {
  const row = {
    id: "org_0000000000",
    name: "x",
    plan: "standard",
    limits: planLimits.standard,
    is_suspended: 1,
    is_operator: 0,
    response_hours: 24,
    version: 3,
    published_version: 2,
    requires_mfa: 0,
    closed_at_ms: null,
    stop_micros: null,
    created_at_ms: 0,
  } as const;
  expect(Org.parse(toOrg(row))).toMatchObject({
    isSuspended: true,
    isOperator: false,
    isPublished: false,
    responseRetentionHours: 24,
    createdAt: "1970-01-01T00:00:00.000Z",
  });
});
