import { z } from "zod";
import { OrgId, type UserId } from "../../agreements/tokens/ids.ts";
import type { OrgRecord } from "../../agreements/records/org.ts";
import { Limits, Plan, type KeyLimits } from "../../agreements/records/quota.ts";
import { applyStop } from "../budgets/stop.ts";
import { createJsonColumn, type Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";

/** A row of `orgs`, as D1 gives it. */
export const OrgRow = z.object({
  id: OrgId,
  name: z.string(),
  plan: Plan,
  limits: createJsonColumn(Limits),
  is_suspended: z.int(),
  is_operator: z.int(),
  response_hours: z.int().nullable(),
  requires_mfa: z.int(),
  closed_at_ms: z.int().nullable(),
  stop_micros: z.int().nullable(),
  version: z.int(),
  published_version: z.int(),
  created_at_ms: z.int(),
});

/** A row of `orgs`. */
export type OrgRow = z.infer<typeof OrgRow>;

/** What a change sets; what it does not name stays. `allLimits` replaces every limit, `limits` some. */
export interface OrgChange {
  name?: string | undefined;
  plan?: Plan | undefined;
  isSuspended?: boolean | undefined;
  requiresMfa?: boolean | undefined;
  allLimits?: Limits | undefined;
  limits?: KeyLimits | undefined;
}

/** How many orgs a person may own: open ones, and closed ones that were made after `sinceMs`. */
export interface OrgRoom {
  owner: UserId;
  sinceMs: number;
  max: number;
}

/** Inserts an org at version 1; no row when whoever makes it has no room for it. */
export function insertOrg(
  db: Database,
  org: { id: OrgId; name: string; plan: Plan; limits: Limits; createdAtMs: number },
  room: OrgRoom | null,
): Statement {
  const insert = db.prepare(
    `INSERT INTO orgs (id, name, plan, limits, created_at_ms) SELECT ?1, ?2, ?3, ?4, ?5
     WHERE ?6 IS NULL OR (SELECT count(*) FROM members AS m JOIN orgs AS o ON o.id = m.org
       WHERE m.user = ?6 AND m.role = 'owner' AND (o.closed_at_ms IS NULL OR o.created_at_ms > ?7)) < ?8 RETURNING *`,
  );
  const { owner = null, sinceMs = 0, max = 0 } = room ?? {};
  return insert.bind(org.id, org.name, org.plan, JSON.stringify(org.limits), org.createdAtMs, owner, sinceMs, max);
}

/** The house's own org: the one that is there, or `id` made now. */
export async function ensureOperatorOrg(db: Database, id: OrgId, limits: Limits, createdAtMs: number): Promise<OrgRow> {
  const insert = db.prepare(
    `INSERT INTO orgs (id, name, plan, limits, is_operator, created_at_ms)
     VALUES (?, 'operator', 'enterprise', ?, 1, ?) ON CONFLICT DO NOTHING`,
  );
  await insert.bind(id, JSON.stringify(limits), createdAtMs).run();
  return OrgRow.parse(await db.prepare("SELECT * FROM orgs WHERE is_operator = 1").first());
}

/** The house's own org, in whose audit stands what concerns no other; null where the house has none yet. */
export async function findOperatorOrg(db: Database): Promise<OrgId | null> {
  const row = await db.prepare("SELECT id FROM orgs WHERE is_operator = 1").first();
  return z.object({ id: OrgId }).nullable().parse(row)?.id ?? null;
}

/** Takes back an org that never came into force. */
export function deleteOrg(db: Database, id: OrgId): Statement {
  return db.prepare("DELETE FROM orgs WHERE id = ? RETURNING *").bind(id);
}

/** Finds an org; null when there is none with that id. */
export async function findOrg(db: Database, id: OrgId): Promise<OrgRow | null> {
  return OrgRow.nullable().parse(await db.prepare("SELECT * FROM orgs WHERE id = ?").bind(id).first());
}

/** Orgs, newest first, from after `cursor`: all, one, or those of a member, of which one may be named. */
export async function selectOrgs(
  db: Database,
  only: { org: OrgId | null; member?: UserId } | null,
  cursor: Cursor,
  limit: number,
): Promise<OrgRow[]> {
  const member = only?.member ?? null;
  const from = member === null ? "orgs" : "members CROSS JOIN orgs ON orgs.id = members.org AND members.user = ?5";
  const select = db.prepare(
    `SELECT orgs.* FROM ${from} WHERE (?1 IS NULL OR orgs.id = ?1) AND (orgs.created_at_ms, orgs.id) < (?2, ?3)
     ORDER BY orgs.created_at_ms DESC, orgs.id DESC LIMIT ?4`,
  );
  const values = [only?.org ?? null, cursor.ms, cursor.id, limit, ...(member === null ? [] : [member])];
  const { results } = await select.bind(...values).all();
  return z.array(OrgRow).parse(results);
}

/** What an org becomes by a change. */
export function applyChange(known: OrgRow, change: OrgChange): OrgRow {
  const { name = known.name, plan = known.plan, isSuspended, requiresMfa, allLimits, limits } = change;
  return {
    ...known,
    name,
    plan,
    // Resuming is what opens a closed org again.
    closed_at_ms: isSuspended === false ? null : known.closed_at_ms,
    is_suspended: readFlag(isSuspended, known.is_suspended),
    requires_mfa: readFlag(requiresMfa, known.requires_mfa),
    limits: allLimits ?? Limits.parse({ ...known.limits, ...limits }),
  };
}

/** Writes an org as it shall be, and counts its version up: no row when it has changed since it was read. */
export function updateOrg(db: Database, changed: OrgRow): Statement {
  const update = db.prepare(
    `UPDATE orgs SET name = ?, plan = ?, limits = ?, is_suspended = ?, requires_mfa = ?, closed_at_ms = ?,
       version = version + 1 WHERE id = ? AND version = ? RETURNING *`,
  );
  const { name, plan, limits, is_suspended, requires_mfa, closed_at_ms, id, version } = changed;
  return update.bind(name, plan, JSON.stringify(limits), is_suspended, requires_mfa, closed_at_ms, id, version);
}

/** Changes nothing of an org that is there: for entries of what is kept elsewhere. */
export function touchOrg(db: Database, id: OrgId): Statement {
  return db.prepare("UPDATE orgs SET name = name WHERE id = ? RETURNING *").bind(id);
}

function readFlag(given: boolean | undefined, known: number): number {
  return given === undefined ? known : Number(given);
}

/** Builds the record of an org that the data plane gets. */
export function toOrgRecord(row: OrgRow): OrgRecord {
  const { id, plan, version } = row;
  const limits = applyStop(row.limits, row.stop_micros);
  return { kind: "org", id, plan, isSuspended: row.is_suspended !== 0, limits, version };
}
