import type { Context } from "hono";
import { ServiceAccountId, UserId, type ProjectId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import type { ControlEnv } from "../http/port.ts";
import type { KeyRow } from "../keys/queries.ts";
import { findMemberRole } from "../members/queries.ts";
import { isInCharge, memberRoles } from "../permissions.ts";
import { findProject } from "../projects/queries.ts";
import { findServiceAccount } from "../service-accounts/queries.ts";

/** Who may have a key: a member or a service account; null is nobody in particular. */
export const KeyOwnerId = UserId.or(ServiceAccountId).nullable();

/** Whose a new key is: that of the service account or member named; else of the member who makes it, if it is one. */
export function readDefaultOwner(c: Context<ControlEnv>): string | null {
  const { person, role, id } = c.var.principal;
  return person && memberRoles.some((known) => known === role) ? id : null;
}

/** The project of a key that names none: that of the service account that it is for. */
export async function findDefaultProject(
  c: Context<ControlEnv>,
  owner: string | null | undefined,
): Promise<ProjectId | null> {
  if (!owner?.startsWith("sa_")) return null;
  return (await findServiceAccount(c.var.control.db, c.var.org.id, owner))?.project ?? null;
}

/**
 * Refuses an owner whom a key may not get: others than oneself are for who reaches all keys to choose; it must be a
 * member or a service account of the org; and an admin key is for who may do as much.
 */
export async function refuseOwner(
  c: Context<ControlEnv>,
  kind: KeyRow["kind"],
  owner: string | null | undefined,
): Promise<void> {
  const { control, org, principal, reach } = c.var;
  if (owner === undefined) return;
  if (reach !== "all") {
    if (owner === principal.id) return;
    throw new Refusal("insufficient_permissions", {
      message: "Only an owner or an admin makes or gives keys to others.",
    });
  }
  if (owner === null) return;
  const invalid = (message: string) => new Refusal("invalid_value", { param: "owner", message: `owner: ${message}` });
  if (owner.startsWith("sa_")) {
    const account = await findServiceAccount(control.db, org.id, owner);
    if (account && account.removed_at_ms === null) return;
    throw invalid("There is no such service account.");
  }
  const role = await findMemberRole(control.db, org.id, owner);
  if (!role) throw invalid("There is no such member.");
  if (kind === "admin" && !isInCharge(role)) throw invalid("An admin key is for owners, admins and service accounts.");
}

/**
 * Refuses to take a key out of its project, or into another, to who may change their own keys alone: the project's
 * windows would not hold whoever may leave them.
 */
export function refuseMove(c: Context<ControlEnv>, from: ProjectId | null, to: ProjectId | null | undefined): void {
  if (to === undefined || to === from || c.var.reach === "all") return;
  throw new Refusal("insufficient_permissions", {
    message: "Only an owner or an admin moves a key to another project, or out of it.",
  });
}

/** Refuses a project that a key may not get: one that the org does not have, and an archived one. */
export async function refuseProject(c: Context<ControlEnv>, project: ProjectId | null | undefined): Promise<void> {
  if (project === undefined || project === null) return;
  const row = await findProject(c.var.control.db, c.var.org.id, project);
  const why = !row ? "There is no such project." : row.is_archived !== 0 ? "This project is archived." : null;
  if (why) throw new Refusal("invalid_value", { param: "project", message: `project: ${why}` });
}
