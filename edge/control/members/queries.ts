import { z } from "zod";
import { OrgId, UserId } from "../../agreements/tokens/ids.ts";
import { wasAudited } from "../audit/queries.ts";
import type { AuditMark } from "../audit/entry.ts";
import type { Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";
import { memberRoles, type MemberRole } from "../permissions.ts";

const RoleColumn = z.enum(memberRoles);

/** A row of `members`, with what sign-in knows of the person; empty where it knows nothing. */
export const MemberRow = z.object({
  org: OrgId,
  user: UserId,
  role: RoleColumn,
  version: z.int(),
  created_at_ms: z.int(),
  email: z.string(),
  name: z.string(),
  has_second_factor: z.int(),
});
export type MemberRow = z.infer<typeof MemberRow>;

const MembershipRow = z.object({
  org: OrgId,
  name: z.string(),
  role: RoleColumn,
  requires_mfa: z.int(),
  is_suspended: z.int(),
  requires_login: z.int(),
});

/** An org that a person is in, and as what. */
export type MembershipRow = z.infer<typeof MembershipRow>;

const requiresLogin = `coalesce(
  (SELECT is_required FROM company_logins WHERE company_logins.org = members.org), 0) AS requires_login`;
const described = `members.*, coalesce(auth_users.email, '') AS email, coalesce(auth_users.name, '') AS name,
  coalesce(auth_users.two_factor_enabled, 0) AS has_second_factor
  FROM members LEFT JOIN auth_users ON auth_users.id = members.user`;

/** A person's role in an org; null when they are no member of it. */
export async function findMemberRole(db: Database, org: OrgId, user: UserId): Promise<MemberRole | null> {
  const select = db.prepare("SELECT role FROM members WHERE org = ? AND user = ?");
  const row = z
    .object({ role: RoleColumn })
    .nullable()
    .parse(await select.bind(org, user).first());
  return row?.role ?? null;
}

/** A person's role in an org, null when they are no member; and whether its members come by its own login alone. */
export async function findMembership(
  db: Database,
  org: OrgId,
  user: UserId,
): Promise<{ role: MemberRole | null; requiresLogin: boolean }> {
  const select = db.prepare(`SELECT role, ${requiresLogin} FROM members WHERE org = ? AND user = ?`);
  const row = z
    .object({ role: RoleColumn, requires_login: z.int() })
    .nullable()
    .parse(await select.bind(org, user).first());
  return { role: row?.role ?? null, requiresLogin: row?.requires_login === 1 };
}

/** A member of an org, as read; null when they are none. */
export async function findMember(db: Database, org: OrgId, user: UserId): Promise<MemberRow | null> {
  const select = db.prepare(`SELECT ${described} WHERE members.org = ? AND members.user = ?`);
  return MemberRow.nullable().parse(await select.bind(org, user).first());
}

/** An org's members, the newest first, from after `cursor`: all, or those of these addresses of mail. */
export async function selectMembers(
  db: Database,
  org: OrgId,
  { cursor, limit, emails = null }: { cursor: Cursor; limit: number; emails?: string[] | null },
): Promise<MemberRow[]> {
  const select = db.prepare(
    `SELECT ${described} WHERE members.org = ?1 AND (members.created_at_ms, members.user) < (?2, ?3)
       AND (?5 IS NULL OR auth_users.email IN (SELECT value FROM json_each(?5)))
     ORDER BY members.created_at_ms DESC, members.user DESC LIMIT ?4`,
  );
  const chosen = emails && JSON.stringify(emails);
  return z.array(MemberRow).parse((await select.bind(org, cursor.ms, cursor.id, limit, chosen).all()).results);
}

/** The members of an org who have these ids. */
export async function selectMembersById(db: Database, org: OrgId, users: string[]): Promise<MemberRow[]> {
  const select = db.prepare(
    `SELECT ${described} WHERE members.org = ? AND members.user IN (SELECT value FROM json_each(?))`,
  );
  return z.array(MemberRow).parse((await select.bind(org, JSON.stringify(users)).all()).results);
}

/** The orgs that a person is in, by name. */
export async function selectMemberships(db: Database, user: UserId, limit: number): Promise<MembershipRow[]> {
  const select = db.prepare(
    `SELECT members.org, orgs.name, members.role, orgs.requires_mfa, orgs.is_suspended, ${requiresLogin}
     FROM members CROSS JOIN orgs ON orgs.id = members.org WHERE members.user = ? ORDER BY orgs.name, orgs.id LIMIT ?`,
  );
  return z.array(MembershipRow).parse((await select.bind(user, limit).all()).results);
}

/** Makes a person the owner of an org in the batch that makes the org. */
export function insertOwner(db: Database, user: UserId, createdAtMs: number, mark: AuditMark): Statement {
  return insertMember(db, { user, role: "owner", createdAtMs }, mark);
}

/** Makes a person a member of an org in the batch whose entry says so. */
export function insertMember(
  db: Database,
  { user, role, createdAtMs }: { user: UserId; role: MemberRole; createdAtMs: number },
  mark: AuditMark,
): Statement {
  const insert = db.prepare(
    `INSERT INTO members (org, user, role, created_at_ms) SELECT ?, ?, ?, ? WHERE ${wasAudited}`,
  );
  return insert.bind(mark.org, user, role, createdAtMs, mark.org, mark.seq, mark.hash);
}

/** The mail addresses of an org's owners. */
export async function selectOwnerAddresses(db: Database, org: OrgId): Promise<string[]> {
  const select = db.prepare(
    "SELECT u.email FROM members m JOIN auth_users u ON u.id = m.user WHERE m.org = ? AND m.role = 'owner'",
  );
  const rows = z.array(z.object({ email: z.string() })).parse((await select.bind(org).all()).results);
  return rows.map(({ email }) => email);
}
