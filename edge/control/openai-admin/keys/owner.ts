import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ControlEnv } from "../../http/port.ts";
import { selectMembersById, type MemberRow } from "../../members/queries.ts";
import { selectAccountsById, type ServiceAccountRow } from "../../service-accounts/queries.ts";
import { Seconds, toSeconds } from "../fields.ts";
import { toOpenAiRole } from "../people/role.ts";

const User = z.strictObject({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: z.string(),
  created_at: Seconds,
});
const Account = z.strictObject({ id: z.string(), name: z.string(), role: z.literal("member"), created_at: Seconds });

/** Whose a key is, as OpenAI's admin API shows it: nothing of a key that is nobody's. */
export const OpenAiOwner = z
  .strictObject({
    type: z.enum(["user", "service_account"]).optional(),
    user: User.optional(),
    service_account: Account.optional(),
  })
  .openapi("OpenAiKeyOwner");

/** Everybody who owns one of some keys, by their ids. */
export type KnownOwners = ReadonlyMap<string, MemberRow | ServiceAccountRow>;

/** Looks the owners of keys up, all at once. */
export async function findOwners(
  c: Context<ControlEnv>,
  keys: readonly { owner: string | null }[],
): Promise<KnownOwners> {
  const { control, org } = c.var;
  const ids = [...new Set(keys.flatMap(({ owner }) => owner ?? []))];
  const [members, accounts] = await Promise.all([
    selectMembersById(control.db, org.id, ids),
    selectAccountsById(control.db, org.id, ids),
  ]);
  return new Map<string, MemberRow | ServiceAccountRow>([
    ...members.map((row) => [row.user, row] as const),
    ...accounts.map((row) => [row.id, row] as const),
  ]);
}

/** Whose a key is, in OpenAI's form. */
export function toOpenAiOwner(owner: string | null, known: KnownOwners): z.infer<typeof OpenAiOwner> {
  const row = owner === null ? undefined : known.get(owner);
  if (!row) return {};
  const created_at = toSeconds(row.created_at_ms);
  if ("user" in row) {
    const { user: id, name, email, role } = row;
    return { type: "user", user: { id, name, email, role: toOpenAiRole(role), created_at } };
  }
  return { type: "service_account", service_account: { id: row.id, name: row.name, role: "member", created_at } };
}
