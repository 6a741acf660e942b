import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId, type ProjectId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import type { ControlEnv } from "../../http/port.ts";
import { readOwner } from "../../keys/key.ts";
import { findKey, type KeyRow } from "../../keys/queries.ts";
import { describeDeleted, Seconds, toSeconds, toSecondsOrNull } from "../fields.ts";
import { OpenAiProjectPath } from "../projects/project.ts";
import { OpenAiOwner, toOpenAiOwner, type KnownOwners } from "./owner.ts";

/** A project's key as OpenAI's admin API shows it. Who owns a key in force has access: their keys end with it. */
export const OpenAiProjectKey = z
  .strictObject({
    id: KeyId,
    object: z.literal("organization.project.api_key"),
    name: z.string(),
    redacted_value: z.string(),
    created_at: Seconds,
    last_used_at: Seconds.nullable(),
    expires_at: Seconds.nullable(),
    owner: OpenAiOwner,
    owner_project_access: z.literal("active"),
  })
  .openapi("OpenAiProjectApiKey");

/** That one was deleted: revoked, for good. */
export const OpenAiProjectKeyDeleted = describeDeleted(
  "organization.project.api_key.deleted",
  "OpenAiProjectApiKeyDeleted",
);

/** The path's parts that name a key of a project. */
export const OpenAiProjectKeyPath = OpenAiProjectPath.extend({ key: KeyId });

/** A stored key as OpenAI's admin API shows it. */
export function toOpenAiProjectKey(row: KeyRow, owners: KnownOwners): z.infer<typeof OpenAiProjectKey> {
  return {
    id: row.id,
    object: "organization.project.api_key",
    name: row.name,
    redacted_value: row.hint,
    created_at: toSeconds(row.created_at_ms),
    last_used_at: toSecondsOrNull(row.last_used_at_ms),
    expires_at: toSecondsOrNull(row.expires_at_ms),
    owner: toOpenAiOwner(row.owner, owners),
    owner_project_access: "active",
  };
}

/** A key of the project, revoked or not; the 404 of a missing one for any other. */
export async function findProjectKey(
  c: Context<ControlEnv>,
  { project, key }: { project: ProjectId; key: KeyId },
): Promise<KeyRow> {
  const row = await findKey(c.var.control.db, c.var.org.id, key, readOwner(c));
  if (row?.project !== project) throw new Refusal("not_found");
  return row;
}

/** The same, where a revoked one is a missing one. */
export async function requireKey(c: Context<ControlEnv>, given: { project: ProjectId; key: KeyId }): Promise<KeyRow> {
  const row = await findProjectKey(c, given);
  if (row.revoked_at_ms !== null) throw new Refusal("not_found");
  return row;
}
