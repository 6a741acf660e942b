import { z } from "zod";
import { OrgId } from "../../agreements/tokens/ids.ts";
import type { AuditMark } from "../audit/entry.ts";
import { wasAudited } from "../audit/queries.ts";
import type { Database, Statement } from "../http/store.ts";

/** A row of `login_domains`: a domain of mail that an org claims, and what has proven it. */
export const DomainRow = z.object({
  org: OrgId,
  domain: z.string(),
  token: z.string(),
  proven_by: z.enum(["dns", "operator"]).nullable(),
  checked_at_ms: z.int().nullable(),
  created_at_ms: z.int(),
});
export type DomainRow = z.infer<typeof DomainRow>;

/** The domains that an org claims, by name. */
export async function selectDomains(db: Database, org: OrgId): Promise<DomainRow[]> {
  const select = db.prepare("SELECT * FROM login_domains WHERE org = ? ORDER BY domain");
  return z.array(DomainRow).parse((await select.bind(org).all()).results);
}

/** A domain that an org claims; null when it does not. */
export async function findDomain(db: Database, org: OrgId, domain: string): Promise<DomainRow | null> {
  const select = db.prepare("SELECT * FROM login_domains WHERE org = ? AND domain = ?");
  return DomainRow.nullable().parse(await select.bind(org, domain).first());
}

/** Whoever has proven a domain; null for nobody. */
export async function findProvenDomain(db: Database, domain: string): Promise<DomainRow | null> {
  const select = db.prepare("SELECT * FROM login_domains WHERE domain = ? AND proven_by IS NOT NULL");
  return DomainRow.nullable().parse(await select.bind(domain).first());
}

/** Claims a domain for an org that has a company login; no row when it claims it, or claims as many as it may. */
export function insertDomain(
  db: Database,
  row: Pick<DomainRow, "org" | "domain" | "token" | "created_at_ms">,
  max: number,
): Statement {
  const insert = db.prepare(
    `INSERT INTO login_domains (org, domain, token, created_at_ms) SELECT ?1, ?2, ?3, ?4
     WHERE EXISTS (SELECT 1 FROM company_logins WHERE org = ?1)
       AND (SELECT count(*) FROM login_domains WHERE org = ?1) < ?5
     ON CONFLICT DO NOTHING RETURNING *`,
  );
  const { org, domain, token, created_at_ms } = row;
  return insert.bind(org, domain, token, created_at_ms, max);
}

/** Notes what has proven a claim; no row when the claim is gone, or another org has proven the domain. */
export function setProven(db: Database, row: DomainRow, by: "dns" | "operator", nowMs: number): Statement {
  const update = db.prepare(
    `UPDATE login_domains SET proven_by = ?1, checked_at_ms = ?2 WHERE org = ?3 AND domain = ?4 AND token = ?5
       AND NOT EXISTS (SELECT 1 FROM login_domains AS other
         WHERE other.domain = ?4 AND other.proven_by IS NOT NULL AND other.org <> ?3)
     RETURNING *`,
  );
  return update.bind(by, nowMs, row.org, row.domain, row.token);
}

/** Notes that a proof was looked at again and stands. */
export async function markChecked(db: Database, { org, domain, token }: DomainRow, nowMs: number): Promise<void> {
  await db
    .prepare("UPDATE login_domains SET checked_at_ms = ? WHERE org = ? AND domain = ? AND token = ?")
    .bind(nowMs, org, domain, token)
    .run();
}

/** Takes back what the name server has once proven; no row when it was not, or is no more. */
export function setUnproven(db: Database, { org, domain, token }: DomainRow): Statement {
  const update = db.prepare(
    `UPDATE login_domains SET proven_by = NULL, checked_at_ms = NULL
     WHERE org = ? AND domain = ? AND token = ? AND proven_by = 'dns' RETURNING *`,
  );
  return update.bind(org, domain, token);
}

/** Gives a claim up; no row when there is none, or when the login is required and this is its last proven domain. */
export function deleteDomainRow(db: Database, { org, domain }: DomainRow): Statement {
  const remove = db.prepare(
    `DELETE FROM login_domains WHERE org = ?1 AND domain = ?2 AND NOT (
       EXISTS (SELECT 1 FROM company_logins WHERE company_logins.org = ?1 AND is_required = 1)
       AND NOT EXISTS (SELECT 1 FROM login_domains AS other
         WHERE other.org = ?1 AND other.domain <> ?2 AND other.proven_by IS NOT NULL))
     RETURNING *`,
  );
  return remove.bind(org, domain);
}

/** Counts the version of an org's login up, in the batch that changed its domains. */
export function touchLogin(db: Database, org: OrgId, mark: AuditMark): Statement {
  const update = db.prepare(`UPDATE company_logins SET version = version + 1 WHERE org = ? AND ${wasAudited}`);
  return update.bind(org, mark.org, mark.seq, mark.hash);
}
