import { z } from "zod";
import { OrgId, ProjectId } from "../tokens/ids.ts";
import { KeyLimits } from "./quota.ts";

/**
 * What the data plane knows of a project: the keys that name it are counted together in its windows, beside their own
 * and their org's. Published from D1, before any key that names it; a record with a lower `version` than the one in
 * force is ignored. The keys of an archived project are refused.
 */
export const ProjectRecord = z.strictObject({
  kind: z.literal("project"),
  id: ProjectId,
  org: OrgId,
  limits: KeyLimits,
  isArchived: z.boolean(),
  version: z.int().min(1),
});
export type ProjectRecord = z.infer<typeof ProjectRecord>;
