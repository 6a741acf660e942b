import { z } from "zod";
import { LoginId, OrgId } from "../../agreements/tokens/ids.ts";
import type { AuditMark } from "../audit/entry.ts";
import { wasAudited } from "../audit/queries.ts";
import type { Database, Statement } from "../http/store.ts";

/** What somebody can become who comes for the first time: never who is in charge, since the issuer is theirs. */
export const joinRoles = ["developer", "billing", "viewer"] as const;

/** A row of `company_logins`, as D1 gives it. Its secret is sealed. */
export const LoginRow = z.object({
  id: LoginId,
  org: OrgId,
  name: z.string(),
  issuer: z.string(),
  client_id: z.string(),
  secret: z.string(),
  proves_second_factor: z.int(),
  default_role: z.enum(joinRoles).nullable(),
  is_required: z.int(),
  used_at_ms: z.int().nullable(),
  version: z.int(),
  created_at_ms: z.int(),
});
export type LoginRow = z.infer<typeof LoginRow>;

/** Inserts an org's company login at version 1; no row when it has one. */
export function insertLogin(db: Database, row: Omit<LoginRow, "is_required" | "used_at_ms" | "version">): Statement {
  const insert = db.prepare(
    `INSERT INTO company_logins
       (id, org, name, issuer, client_id, secret, proves_second_factor, default_role, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING *`,
  );
  const { id, org, name, issuer, client_id, secret, proves_second_factor, default_role, created_at_ms } = row;
  return insert.bind(id, org, name, issuer, client_id, secret, proves_second_factor, default_role, created_at_ms);
}

/** An org's company login; null when it has none. */
export async function findLogin(db: Database, org: OrgId): Promise<LoginRow | null> {
  const select = db.prepare("SELECT * FROM company_logins WHERE org = ?");
  return LoginRow.nullable().parse(await select.bind(org).first());
}

/** A company login by its id; null for none. */
export async function findLoginById(db: Database, id: LoginId): Promise<LoginRow | null> {
  const select = db.prepare("SELECT * FROM company_logins WHERE id = ?");
  return LoginRow.nullable().parse(await select.bind(id).first());
}

/** The company login of whoever has proven a domain of mail; null where nobody has, or their org is closed. */
export async function findLoginByDomain(db: Database, domain: string): Promise<LoginRow | null> {
  const select = db.prepare(
    `SELECT company_logins.* FROM login_domains AS d JOIN company_logins ON company_logins.org = d.org
       JOIN orgs ON orgs.id = d.org
     WHERE d.domain = ? AND d.proven_by IS NOT NULL AND orgs.closed_at_ms IS NULL`,
  );
  return LoginRow.nullable().parse(await select.bind(domain).first());
}

/**
 * Writes a login as it shall be, and counts its version up: no row when it has changed since it was read, or when it
 * shall be required and no domain of it is proven.
 */
export function updateLogin(db: Database, changed: LoginRow): Statement {
  const update = db.prepare(
    `UPDATE company_logins SET name = ?1, issuer = ?2, client_id = ?3, secret = ?4, proves_second_factor = ?5,
       default_role = ?6, is_required = ?7, used_at_ms = ?8, version = version + 1
     WHERE id = ?9 AND version = ?10 AND (?7 = 0 OR EXISTS (
       SELECT 1 FROM login_domains WHERE login_domains.org = company_logins.org AND proven_by IS NOT NULL))
     RETURNING *`,
  );
  const { name, issuer, client_id, secret, proves_second_factor, default_role, is_required, used_at_ms } = changed;
  const values = [name, issuer, client_id, secret, proves_second_factor, default_role, is_required, used_at_ms];
  return update.bind(...values, changed.id, changed.version);
}

/** Removes a login, and with it what it claims. */
export function deleteLoginRow(db: Database, { id, version }: LoginRow): Statement {
  return db.prepare("DELETE FROM company_logins WHERE id = ? AND version = ? RETURNING *").bind(id, version);
}

/** Ends every session that an org's company login began, in the batch whose entry says why. */
export function endLoginSessions(db: Database, org: OrgId, mark: AuditMark): Statement {
  const remove = db.prepare(`DELETE FROM auth_sessions WHERE only_org = ? AND ${wasAudited}`);
  return remove.bind(org, mark.org, mark.seq, mark.hash);
}

/** Forgets whom a login has known by which subject: another issuer gives the same subject to others. */
export function forgetSubjects(db: Database, id: LoginId, mark: AuditMark): Statement {
  const remove = db.prepare(`DELETE FROM auth_accounts WHERE provider_id = ? AND ${wasAudited}`);
  return remove.bind(id, mark.org, mark.seq, mark.hash);
}

/** Notes that somebody has come by a login. */
export async function markUsed(db: Database, { id, issuer, client_id }: LoginRow, nowMs: number): Promise<void> {
  await db
    .prepare("UPDATE company_logins SET used_at_ms = ? WHERE id = ? AND issuer = ? AND client_id = ?")
    .bind(nowMs, id, issuer, client_id)
    .run();
}

/** Logins whose secret is sealed under another master key than this one. */
export async function selectOtherLogins(db: Database, kid: string, limit: number): Promise<LoginRow[]> {
  const select = db.prepare("SELECT * FROM company_logins WHERE substr(secret, 1, length(?1)) <> ?1 LIMIT ?2");
  return z.array(LoginRow).parse((await select.bind(`${kid}.`, limit).all()).results);
}

/** Puts the same secret, sealed anew, in the place of what is there; nothing when it was changed meanwhile. */
export async function resealLogin(db: Database, { id, version }: LoginRow, secret: string): Promise<void> {
  const update = db.prepare("UPDATE company_logins SET secret = ? WHERE id = ? AND version = ?");
  await update.bind(secret, id, version).run();
}
