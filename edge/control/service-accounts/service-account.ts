import { z } from "@hono/zod-openapi";
import { OrgId, ProjectId, ServiceAccountId } from "../../agreements/tokens/ids.ts";
import { formatIso, formatIsoOrNull, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { ServiceAccountRow } from "./queries.ts";

/** A service account as the API shows it: a program that owns keys. */
export const ServiceAccount = z
  .strictObject({
    id: ServiceAccountId,
    org: OrgId,
    name: z.string(),
    project: ProjectId.nullable(),
    removedAt: Timestamp.nullable(),
    createdAt: Timestamp,
  })
  .openapi("ServiceAccount");

/** The path's parts that name a service account of an org. */
export const ServiceAccountPath = OrgPath.extend({ serviceAccount: ServiceAccountId });

/** The answer for a row. */
export function toServiceAccount(row: ServiceAccountRow): z.infer<typeof ServiceAccount> {
  const { id, org, name, project } = row;
  const removedAt = formatIsoOrNull(row.removed_at_ms);
  return { id, org, name, project, removedAt, createdAt: formatIso(row.created_at_ms) };
}
