import { z } from "@hono/zod-openapi";
import { ProjectId } from "../../../agreements/tokens/ids.ts";
import type { ProjectRow } from "../../projects/queries.ts";
import { Seconds, toSeconds } from "../fields.ts";

/** A project as OpenAI's admin API shows it. When one was archived stands in the audit log alone. */
export const OpenAiProject = z
  .strictObject({
    id: ProjectId,
    object: z.literal("organization.project"),
    name: z.string(),
    created_at: Seconds,
    archived_at: z.null(),
    status: z.enum(["active", "archived"]),
  })
  .openapi("OpenAiProject");

/** The path's part that names a project. */
export const OpenAiProjectPath = z.object({ project: ProjectId });

/** A stored project as OpenAI's admin API shows it. */
export function toOpenAiProject({ id, name, created_at_ms, is_archived }: ProjectRow): z.infer<typeof OpenAiProject> {
  return {
    id,
    object: "organization.project",
    name,
    created_at: toSeconds(created_at_ms),
    archived_at: null,
    status: is_archived === 0 ? "active" : "archived",
  };
}
