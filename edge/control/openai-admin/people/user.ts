import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { UserId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import type { ControlEnv } from "../../http/port.ts";
import { findMember, type MemberRow } from "../../members/queries.ts";
import { describeDeleted, Seconds, toSeconds } from "../fields.ts";
import { toOpenAiRole } from "./role.ts";

/** A member of the org as OpenAI's admin API shows them. */
export const OpenAiUser = z
  .strictObject({
    id: UserId,
    object: z.literal("organization.user"),
    name: z.string(),
    email: z.string().openapi({ description: "Empty where sign-in knows them no more." }),
    role: z.enum(["owner", "reader"]).openapi({ description: "`/users/{user}/roles` has it in full." }),
    added_at: Seconds,
  })
  .openapi("OpenAiUser");

/** That one is a member no more. */
export const OpenAiUserDeleted = describeDeleted("organization.user.deleted", "OpenAiUserDeleted");

/** The path's part that names a member. */
export const OpenAiUserPath = z.object({ user: UserId });

/** A stored member as OpenAI's admin API shows them. */
export function toOpenAiUser({ user, name, email, role, created_at_ms }: MemberRow): z.infer<typeof OpenAiUser> {
  const added_at = toSeconds(created_at_ms);
  return { id: user, object: "organization.user", name, email, role: toOpenAiRole(role), added_at };
}

/** The member of the path; the 404 of a missing one for whoever is none. */
export async function requireMember(c: Context<ControlEnv>, user: UserId): Promise<MemberRow> {
  const row = await findMember(c.var.control.db, c.var.org.id, user);
  if (!row) throw new Refusal("not_found");
  return row;
}
