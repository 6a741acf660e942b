import { z } from "@hono/zod-openapi";
import { KeyId } from "../../../agreements/tokens/ids.ts";
import type { KeyRow } from "../../keys/queries.ts";
import { describeDeleted, Seconds, toSeconds, toSecondsOrNull } from "../fields.ts";
import { toOpenAiOwner, type KnownOwners } from "./owner.ts";

const Owner = z
  .strictObject({
    type: z.enum(["user", "service_account"]).optional(),
    object: z.enum(["organization.user", "organization.service_account"]).optional(),
    id: z.string().optional(),
    name: z.string().optional(),
    role: z.string().optional(),
    created_at: Seconds.optional(),
  })
  .openapi("OpenAiAdminKeyOwner");

/** An admin key as OpenAI's admin API shows it. When one was last used is not kept. */
export const OpenAiAdminKey = z
  .strictObject({
    id: KeyId,
    object: z.literal("organization.admin_api_key"),
    name: z.string(),
    redacted_value: z.string(),
    created_at: Seconds,
    last_used_at: z.null(),
    expires_at: Seconds.nullable(),
    owner: Owner,
  })
  .openapi("OpenAiAdminApiKey");

/** A new admin key, with its text: the one answer that ever shows it. */
export const OpenAiAdminKeyMade = z
  .strictObject({ ...OpenAiAdminKey.shape, value: z.string().openapi({ description: "The key. Shown this once." }) })
  .openapi("OpenAiAdminApiKeyMade");

/** That one was deleted: revoked, for good. */
export const OpenAiAdminKeyDeleted = describeDeleted("organization.admin_api_key.deleted", "OpenAiAdminApiKeyDeleted");

/** A stored admin key as OpenAI's admin API shows it. */
export function toOpenAiAdminKey(row: KeyRow, owners: KnownOwners): z.infer<typeof OpenAiAdminKey> {
  return {
    id: row.id,
    object: "organization.admin_api_key",
    name: row.name,
    redacted_value: row.hint,
    created_at: toSeconds(row.created_at_ms),
    last_used_at: null,
    expires_at: toSecondsOrNull(row.expires_at_ms),
    owner: flatten(row.owner, owners),
  };
}

/** OpenAI shows the owner of such a key in one piece. */
function flatten(owner: string | null, owners: KnownOwners): z.infer<typeof Owner> {
  const { user, service_account: account } = toOpenAiOwner(owner, owners);
  if (user) {
    const { email: _, ...rest } = user;
    return { type: "user", object: "organization.user", ...rest };
  }
  return account ? { type: "service_account", object: "organization.service_account", ...account } : {};
}
