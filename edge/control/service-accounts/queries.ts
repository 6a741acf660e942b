import { z } from "zod";
import { OrgId, ProjectId, ServiceAccountId } from "../../agreements/tokens/ids.ts";
import type { Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";
import { areAsPlanned, type EndingKeys } from "../owners/queries.ts";

/** A row of `service_accounts`, as D1 gives it. */
export const ServiceAccountRow = z.object({
  id: ServiceAccountId,
  org: OrgId,
  project: ProjectId.nullable(),
  name: z.string(),
  removed_at_ms: z.int().nullable(),
  version: z.int(),
  created_at_ms: z.int(),
});
export type ServiceAccountRow = z.infer<typeof ServiceAccountRow>;

/**
 * Inserts a service account; no row when its org has as many as it may have, or its project is none of the org's, or
 * archived.
 */
export function insertServiceAccount(
  db: Database,
  account: Pick<ServiceAccountRow, "id" | "org" | "project" | "name" | "created_at_ms">,
  max: number,
): Statement {
  const insert = db.prepare(
    `INSERT INTO service_accounts (id, org, project, name, created_at_ms) SELECT ?1, ?2, ?3, ?4, ?5
     WHERE (SELECT count(*) FROM service_accounts WHERE org = ?2 AND removed_at_ms IS NULL) < ?6
       AND (?3 IS NULL OR EXISTS (SELECT 1 FROM projects WHERE id = ?3 AND org = ?2 AND is_archived = 0)) RETURNING *`,
  );
  const { id, org, project, name, created_at_ms } = account;
  return insert.bind(id, org, project, name, created_at_ms, max);
}

/** Finds a service account of an org, removed ones too; null when the org has none with that id. */
export async function findServiceAccount(
  db: Database,
  org: OrgId,
  id: ServiceAccountId,
): Promise<ServiceAccountRow | null> {
  const select = db.prepare("SELECT * FROM service_accounts WHERE id = ? AND org = ?");
  return ServiceAccountRow.nullable().parse(await select.bind(id, org).first());
}

/** An org's service accounts, newest first, from after `cursor`: all, or those of a project that are not removed. */
export async function selectServiceAccounts(
  db: Database,
  org: OrgId,
  { cursor, limit, project = null }: { cursor: Cursor; limit: number; project?: ProjectId | null },
): Promise<ServiceAccountRow[]> {
  const select = db.prepare(
    `SELECT * FROM service_accounts WHERE org = ?1 AND (created_at_ms, id) < (?2, ?3)
       AND (?5 IS NULL OR (project = ?5 AND removed_at_ms IS NULL))
     ORDER BY created_at_ms DESC, id DESC LIMIT ?4`,
  );
  return z.array(ServiceAccountRow).parse((await select.bind(org, cursor.ms, cursor.id, limit, project).all()).results);
}

/** The service accounts of an org that have these ids, removed ones too. */
export async function selectAccountsById(db: Database, org: OrgId, ids: string[]): Promise<ServiceAccountRow[]> {
  const select = db.prepare("SELECT * FROM service_accounts WHERE org = ? AND id IN (SELECT value FROM json_each(?))");
  return z.array(ServiceAccountRow).parse((await select.bind(org, JSON.stringify(ids)).all()).results);
}

/** Renames a service account; no row when it is removed or has changed since it was read. */
export function renameAccountRow(db: Database, { id, version }: ServiceAccountRow, name: string): Statement {
  const update = db.prepare(
    `UPDATE service_accounts SET name = ?, version = version + 1
     WHERE id = ? AND version = ? AND removed_at_ms IS NULL RETURNING *`,
  );
  return update.bind(name, id, version);
}

/** Removes a service account; no row when it is removed already, or its keys have changed since they were read. */
export function removeServiceAccountRow(
  db: Database,
  id: ServiceAccountId,
  ending: EndingKeys,
  nowMs: number,
): Statement {
  const keys = areAsPlanned(ending);
  const update = db.prepare(
    `UPDATE service_accounts SET removed_at_ms = ?, version = version + 1
     WHERE id = ? AND removed_at_ms IS NULL AND ${keys.sql} RETURNING *`,
  );
  return update.bind(nowMs, id, ...keys.values);
}
