import { z } from "@hono/zod-openapi";
import { UserId } from "../../agreements/tokens/ids.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { SignedIn } from "../http/port.ts";
import { memberRoles, type MemberRole } from "../permissions.ts";
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
    hasSecondFactor: z.boolean().describe("They have set one up."),
    createdAt: Timestamp.openapi({ description: "Since when they are a member." }),
  })
  .openapi("Member");

/** The path's parts that name a member of an org. */
export const MemberPath = OrgPath.extend({ user: UserId });

/**
 * What a member is in a session. Who came by the company login is an admin at most, since an admin sets the issuer, and
 * an issuer names whom it likes: ownership takes a proof of one's own.
 */
export function limitRole(role: MemberRole, { onlyOrg }: Pick<SignedIn, "onlyOrg">): MemberRole {
  return role === "owner" && onlyOrg !== null ? "admin" : role;
}

/** The answer for a row. */
export function toMember(row: MemberRow): z.infer<typeof OrgMember> {
  const { user, email, name, role } = row;
  const hasSecondFactor = row.has_second_factor !== 0;
  return { user, email, name, role, hasSecondFactor, createdAt: formatIso(row.created_at_ms) };
}
