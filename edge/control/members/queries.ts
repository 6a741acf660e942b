import { z } from "zod";
import type { OrgId, UserId } from "../../agreements/tokens/ids.ts";
import { wasAudited } from "../audit/queries.ts";
import type { AuditMark } from "../audit/entry.ts";
import type { Database, Statement } from "../http/store.ts";
import { memberRoles, type MemberRole } from "../permissions.ts";

/** A person's role in an org; null when they are no member of it. */
export async function findMemberRole(db: Database, org: OrgId, user: UserId): Promise<MemberRole | null> {
  const select = db.prepare("SELECT role FROM members WHERE org = ? AND user = ?");
  const row = z
    .object({ role: z.enum(memberRoles) })
    .nullable()
    .parse(await select.bind(org, user).first());
  return row?.role ?? null;
}

/** Makes a person the owner of an org in the batch that makes the org. */
export function insertOwner(db: Database, user: UserId, createdAtMs: number, mark: AuditMark): Statement {
  const insert = db.prepare(
    `INSERT INTO members (org, user, role, created_at_ms) SELECT ?, ?, 'owner', ? WHERE ${wasAudited}`,
  );
  return insert.bind(mark.org, user, createdAtMs, mark.org, mark.seq, mark.hash);
}

/** The mail addresses of an org's owners. */
export async function selectOwnerAddresses(db: Database, org: OrgId): Promise<string[]> {
  const select = db.prepare(
    "SELECT u.email FROM members m JOIN auth_users u ON u.id = m.user WHERE m.org = ? AND m.role = 'owner'",
  );
  const rows = z.array(z.object({ email: z.string() })).parse((await select.bind(org).all()).results);
  return rows.map(({ email }) => email);
}
