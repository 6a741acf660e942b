import { z } from "zod";
import { OrgId } from "../tokens/ids.ts";
import { Limits, Plan } from "./quota.ts";

/**
 * What the data plane knows of an org. Published from D1; a record with a lower `version` than the one in force is
 * ignored.
 */
export const OrgRecord = z.strictObject({
  kind: z.literal("org"),
  id: OrgId,
  plan: Plan,
  isSuspended: z.boolean(),
  limits: Limits,
  version: z.int().min(1),
});
export type OrgRecord = z.infer<typeof OrgRecord>;
