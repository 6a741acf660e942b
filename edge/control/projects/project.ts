import { z } from "@hono/zod-openapi";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { OrgId, ProjectId } from "../../agreements/tokens/ids.ts";
import type { AuditFacts } from "../audit/entry.ts";
import { formatIso, IsPublished, Name, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { ProjectRow } from "./queries.ts";

/** A project as the API shows it. The keys of an archived one are refused. */
export const OrgProject = z
  .strictObject({
    id: ProjectId,
    org: OrgId,
    name: z.string(),
    limits: KeyLimits.nullable(),
    isArchived: z.boolean(),
    version: z.int(),
    isPublished: IsPublished,
    createdAt: Timestamp,
  })
  .openapi("Project");

/** The path's parts that name a project of an org. */
export const ProjectPath = OrgPath.extend({ project: ProjectId });

/** What a body may say of a project. */
export const projectFields = {
  name: Name,
  limits: KeyLimits.nullable().describe(
    "Only the windows named here are set: `null` for one lifts it, `null` for `limits` lifts all. Of its money and " +
      "tokens all its keys use together no more.",
  ),
};

/** The answer for a row. */
export function toProject(row: ProjectRow): z.infer<typeof OrgProject> {
  const { id, org, name, limits, version } = row;
  const isPublished = row.published_version >= version;
  const createdAt = formatIso(row.created_at_ms);
  return { id, org, name, limits, isArchived: row.is_archived !== 0, version, isPublished, createdAt };
}

/** What the audit log tells of a project. */
export function describeProject({
  name,
  limits,
  is_archived,
}: Omit<ProjectRow, "stop_micros" | "published_version">): AuditFacts {
  return { name, limits, isArchived: is_archived !== 0 };
}
