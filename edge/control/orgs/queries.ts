import { z } from "zod";
import { OrgId } from "../../agreements/tokens/ids.ts";
import type { OrgRecord } from "../../agreements/records/org.ts";
import { Limits, Plan, type KeyLimits } from "../../agreements/records/quota.ts";
import type { WindowName } from "../../agreements/records/windows.ts";
import { createJsonColumn, type Cursor } from "../http/fields.ts";
import type { Database } from "../http/store.ts";

const OrgRow = z.object({
  id: OrgId,
  name: z.string(),
  plan: Plan,
  limits: createJsonColumn(Limits),
  is_suspended: z.int(),
  is_operator: z.int(),
  response_hours: z.int().nullable(),
  version: z.int(),
  created_at_ms: z.int(),
});

/** A row of `orgs`. */
export type OrgRow = z.infer<typeof OrgRow>;

/** What a change sets; what it does not name stays. `allLimits` replaces every limit, `limits` some. */
export interface OrgChange {
  name?: string | undefined;
  plan?: Plan | undefined;
  isSuspended?: boolean | undefined;
  allLimits?: Limits | undefined;
  limits?: KeyLimits | undefined;
}

/** Inserts an org at version 1. */
export async function insertOrg(
  db: Database,
  org: { id: OrgId; name: string; plan: Plan; limits: Limits; createdAtMs: number },
): Promise<OrgRow> {
  const insert = db.prepare(
    "INSERT INTO orgs (id, name, plan, limits, created_at_ms) VALUES (?, ?, ?, ?, ?) RETURNING *",
  );
  return OrgRow.parse(
    await insert.bind(org.id, org.name, org.plan, JSON.stringify(org.limits), org.createdAtMs).first(),
  );
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

/** Takes back an org that never came into force. */
export async function deleteOrg(db: Database, id: OrgId): Promise<void> {
  await db.prepare("DELETE FROM orgs WHERE id = ?").bind(id).run();
}

/** Finds an org; null when there is none with that id. */
export async function findOrg(db: Database, id: OrgId): Promise<OrgRow | null> {
  return OrgRow.nullable().parse(await db.prepare("SELECT * FROM orgs WHERE id = ?").bind(id).first());
}

/** Orgs, newest first, from after `cursor`; `only` is an admin's own. */
export async function selectOrgs(db: Database, only: OrgId | null, cursor: Cursor, limit: number): Promise<OrgRow[]> {
  const select = db.prepare(
    `SELECT * FROM orgs WHERE (?1 IS NULL OR id = ?1) AND (created_at_ms, id) < (?2, ?3)
     ORDER BY created_at_ms DESC, id DESC LIMIT ?4`,
  );
  const { results } = await select.bind(only, cursor.ms, cursor.id, limit).all();
  return z.array(OrgRow).parse(results);
}

/** One statement reads, changes and counts the version up, so that of two changes at once neither is lost. */
export async function updateOrg(db: Database, id: OrgId, change: OrgChange): Promise<OrgRow | null> {
  const sets = ["version = version + 1"];
  const values: unknown[] = [];
  const set = (sql: string, ...given: unknown[]) => {
    sets.push(sql);
    values.push(...given);
  };
  if (change.name !== undefined) set("name = ?", change.name);
  if (change.plan !== undefined) set("plan = ?", change.plan);
  if (change.isSuspended !== undefined) set("is_suspended = ?", change.isSuspended ? 1 : 0);
  const some = listWindows(change.limits ?? {});
  if (change.allLimits) set("limits = ?", JSON.stringify(change.allLimits));
  else if (some.length > 0) set(`limits = json_set(limits${", ?, json(?)".repeat(some.length)})`, ...some.flat());
  const update = db.prepare(`UPDATE orgs SET ${sets.join(", ")} WHERE id = ? RETURNING *`);
  return OrgRow.nullable().parse(await update.bind(...values, id).first());
}

/** Builds the record of an org that the data plane gets. */
export function toOrgRecord(row: OrgRow): OrgRecord {
  const { id, plan, limits, version } = row;
  return { kind: "org", id, plan, isSuspended: row.is_suspended !== 0, limits, version };
}

function listWindows(limits: KeyLimits): [path: `$.${WindowName}`, bound: string][] {
  const names = Limits.keyof().options.filter((name) => limits[name] !== undefined);
  return names.map((name) => [`$.${name}`, JSON.stringify(limits[name])]);
}
