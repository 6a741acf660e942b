import { z } from "@hono/zod-openapi";
import { OrgId } from "../../agreements/tokens/ids.ts";
import { KeyLimits, Limits, Plan, planLimits } from "../../agreements/records/quota.ts";
import { ratesAsSet } from "../../agreements/records/windows.ts";
import { placementKinds, type PlacementKind } from "../../agreements/tokens/placement.ts";
import { formatIso, formatIsoOrNull, IsPublished, Name, Timestamp } from "../http/fields.ts";
import type { OrgRow } from "./queries.ts";

/** An org as the API shows it. `isOperator` marks the house's own. */
export const Org = z
  .strictObject({
    id: OrgId,
    name: z.string(),
    plan: Plan,
    limits: Limits,
    isSuspended: z.boolean(),
    isOperator: z.boolean(),
    requiresMfa: z.boolean().describe("Members without a second factor may do nothing here."),
    responseRetentionHours: z.int().nullable().describe("How long stored responses are kept; `null` keeps none."),
    closedAt: Timestamp.nullable().describe("When its owner closed it; an operator resumes it."),
    version: z.int(),
    isPublished: IsPublished,
    createdAt: Timestamp,
  })
  .openapi("Org");

/** The path's part that names an org. */
export const OrgPath = z.object({ org: OrgId });

/** What a body may say of an org. */
export const orgFields = {
  name: Name,
  plan: Plan.describe("Sets every limit to the plan's; `limits` then has the last word."),
  limits: KeyLimits.describe("Only the windows named here are set. `null` is no limit."),
  placement: z
    .enum(placementKinds)
    .describe("Which object keeps its ledger: its `own` (plan `enterprise`), or one of the `shards` (all others)."),
};

/** Where an org's ledger is kept when nobody wishes otherwise. */
export const defaultPlacements: Record<Plan, PlacementKind> = {
  standard: "shards",
  professional: "shards",
  enterprise: "own",
};

/** Enterprise is 'as set': whoever names it must say its rates, if only that there are none. */
export function refuseUnsetRates(
  given: { plan?: Plan | undefined; limits?: KeyLimits | undefined },
  context: z.RefinementCtx,
): void {
  if (given.plan !== "enterprise") return;
  const missing = ratesAsSet.find((name) => given.limits?.[name] === undefined);
  if (missing)
    context.addIssue({
      code: "custom",
      path: ["limits", missing],
      message: "Must be given with plan `enterprise`; `null` is no limit.",
    });
}

/** A plan's limits, with some set otherwise. */
export function resolveLimits(plan: Plan, given: KeyLimits | undefined): Limits {
  return Limits.parse({ ...planLimits[plan], ...given });
}

/** The answer for a row. */
export function toOrg(row: OrgRow): z.infer<typeof Org> {
  const { id, name, plan, limits, version } = row;
  return {
    id,
    name,
    plan,
    limits,
    isSuspended: row.is_suspended !== 0,
    isOperator: row.is_operator !== 0,
    requiresMfa: row.requires_mfa !== 0,
    responseRetentionHours: row.response_hours,
    closedAt: formatIsoOrNull(row.closed_at_ms),
    version,
    isPublished: row.published_version >= version,
    createdAt: formatIso(row.created_at_ms),
  };
}
