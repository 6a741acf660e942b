import { z } from "@hono/zod-openapi";
import { UserId } from "../../agreements/tokens/ids.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { memberRoles } from "../permissions.ts";
import type { MemberRow } from "./queries.ts";

/** A role that a member can have. */
export const RoleName = z.enum(memberRoles).openapi("MemberRole");

/** A member as the API shows them. */
export const OrgMember = z
  .strictObject({
    user: UserId,
    email: z.string().describe("Empty where sign-in knows them no more."),
    name: z.string(),
    role: RoleName,
    createdAt: Timestamp.openapi({ description: "Since when they are a member." }),
  })
  .openapi("Member");

/** The path's parts that name a member of an org. */
export const MemberPath = OrgPath.extend({ user: UserId });

/** The answer for a row. */
export function toMember({ user, email, name, role, created_at_ms }: MemberRow): z.infer<typeof OrgMember> {
  return { user, email, name, role, createdAt: formatIso(created_at_ms) };
}
