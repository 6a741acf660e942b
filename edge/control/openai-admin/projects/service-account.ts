import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId, ServiceAccountId, type ProjectId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import type { ControlEnv } from "../../http/port.ts";
import { makeKey } from "../../keys/create-key.ts";
import type { KeyRow } from "../../keys/queries.ts";
import { findServiceAccount, type ServiceAccountRow } from "../../service-accounts/queries.ts";
import { describeDeleted, readExpiry, Seconds, toSeconds, toSecondsOrNull } from "../fields.ts";
import { OpenAiProjectPath } from "./project.ts";

/** A service account as OpenAI's admin API shows it. */
export const OpenAiServiceAccount = z
  .strictObject({
    id: ServiceAccountId,
    object: z.literal("organization.project.service_account"),
    name: z.string(),
    role: z.literal("member"),
    created_at: Seconds,
  })
  .openapi("OpenAiServiceAccount");

/** A new key of a service account, with its text: the one answer that ever shows it. */
export const OpenAiServiceAccountKey = z
  .strictObject({
    id: KeyId,
    object: z.literal("organization.project.service_account.api_key"),
    name: z.string(),
    value: z.string().openapi({ description: "The key. Shown this once." }),
    created_at: Seconds,
    expires_at: Seconds.nullable(),
  })
  .openapi("OpenAiServiceAccountApiKey");

/** A new service account, and its first key. */
export const OpenAiServiceAccountMade = z
  .strictObject({
    ...OpenAiServiceAccount.shape,
    // A union: `nullable()` would make the key nullable wherever the document names it.
    api_key: z.union([OpenAiServiceAccountKey, z.null()]),
  })
  .openapi("OpenAiServiceAccountMade");

/** That one was deleted, and its keys with it. */
export const OpenAiServiceAccountDeleted = describeDeleted(
  "organization.project.service_account.deleted",
  "OpenAiServiceAccountDeleted",
);

/** The path's parts that name a service account of a project. */
export const OpenAiServiceAccountPath = OpenAiProjectPath.extend({ serviceAccount: ServiceAccountId });

/** A stored service account as OpenAI's admin API shows it. */
export function toOpenAiServiceAccount(row: ServiceAccountRow): z.infer<typeof OpenAiServiceAccount> {
  return {
    id: row.id,
    object: "organization.project.service_account",
    name: row.name,
    role: "member",
    created_at: toSeconds(row.created_at_ms),
  };
}

/** A new key as OpenAI's admin API shows it, with its text. */
function toOpenAiAccountKey(row: KeyRow, secret: string): z.infer<typeof OpenAiServiceAccountKey> {
  return {
    id: row.id,
    object: "organization.project.service_account.api_key",
    name: row.name,
    value: secret,
    created_at: toSeconds(row.created_at_ms),
    expires_at: toSecondsOrNull(row.expires_at_ms),
  };
}

/** A service account of the project, removed or not; the 404 of a missing one for any other. */
export async function findAccount(
  c: Context<ControlEnv>,
  { project, serviceAccount }: { project: ProjectId; serviceAccount: ServiceAccountId },
): Promise<ServiceAccountRow> {
  const row = await findServiceAccount(c.var.control.db, c.var.org.id, serviceAccount);
  if (!row || row.project !== project) throw new Refusal("not_found");
  return row;
}

/** The same, where a removed one is a missing one. */
export async function requireAccount(
  c: Context<ControlEnv>,
  given: { project: ProjectId; serviceAccount: ServiceAccountId },
): Promise<ServiceAccountRow> {
  const row = await findAccount(c, given);
  if (row.removed_at_ms !== null) throw new Refusal("not_found");
  return row;
}

/** Makes a key for a service account, in its project. */
export async function makeAccountKey(
  c: Context<ControlEnv>,
  { id: owner, project, name: usual }: ServiceAccountRow,
  given: { name?: string | undefined; expires_in_seconds?: number | null | undefined },
) {
  const expiresAt = readExpiry(given.expires_in_seconds, c.var.visit.now());
  const { row, secret } = await makeKey(c, { name: given.name ?? usual, owner, project, expiresAt });
  return toOpenAiAccountKey(row, secret);
}
