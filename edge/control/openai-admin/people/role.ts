import { z } from "@hono/zod-openapi";
import { listActions, memberRoles, type MemberRole } from "../../permissions.ts";

const prefix = "role_";
const resource = "api.organization" as const;

const does: Record<MemberRole, string> = {
  owner: "All of it, ownership and closing the organization too.",
  admin: "All of it but ownership and closing the organization.",
  developer: "Keys of their own, and what those used.",
  billing: "Usage, costs and budgets.",
  viewer: "Reads, and changes nothing.",
};

const shape = {
  id: z.string(),
  name: z.enum(memberRoles),
  description: z.string(),
  permissions: z.array(z.string()),
  predefined_role: z.literal(true),
  resource_type: z.literal(resource),
};

/** A role as OpenAI's admin API shows it. There are five, and no others can be made. */
export const OpenAiRole = z.strictObject({ ...shape, object: z.literal("role") }).openapi("OpenAiRole");

/** A role that somebody has, as OpenAI's admin API shows it. */
export const OpenAiAssignedRole = z
  .strictObject({
    ...shape,
    assignment_sources: z.null(),
    created_at: z.null(),
    created_by: z.null(),
    created_by_user_obj: z.null(),
    metadata: z.null(),
    updated_at: z.null(),
  })
  .openapi("OpenAiAssignedRole");

/** What OpenAI calls a role of ours where it knows two: owners, and all others. */
export function toOpenAiRole(role: MemberRole): "owner" | "reader" {
  return role === "owner" ? "owner" : "reader";
}

/**
 * The role that a body means: ours by its name, or OpenAI's. `reader` is what anybody but an owner is already, and
 * `developer` of an owner and of somebody new; null for no role.
 */
export function readRole(given: string, known: MemberRole | null): MemberRole | null {
  if (given === "reader") return known === null || known === "owner" ? "developer" : known;
  return memberRoles.find((role) => role === given) ?? null;
}

/** The role of an id; null for none. */
export function findRoleById(id: string): MemberRole | null {
  return memberRoles.find((role) => prefix + role === id) ?? null;
}

/** A role of ours in full, as OpenAI's admin API shows it. */
export function showRole(name: MemberRole): z.infer<typeof OpenAiRole> {
  return { object: "role", ...describeRole(name) };
}

/** The same of somebody who has it. When they got it stands in the audit log. */
export function showAssigned(name: MemberRole): z.infer<typeof OpenAiAssignedRole> {
  const unknown = { created_at: null, created_by: null, created_by_user_obj: null, updated_at: null };
  return { ...describeRole(name), assignment_sources: null, metadata: null, ...unknown };
}

function describeRole(name: MemberRole) {
  const permissions = listActions([name]);
  const id = prefix + name;
  return {
    id,
    name,
    description: does[name],
    permissions,
    predefined_role: true as const,
    resource_type: resource,
  };
}
