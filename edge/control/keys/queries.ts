import { z } from "zod";
import { KeyId, OrgId, ProjectId } from "../../agreements/tokens/ids.ts";
import { readCidr } from "../../agreements/ip.ts";
import type { KeyRecord } from "../../agreements/records/key.ts";
import { Endpoint } from "../../agreements/records/model.ts";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { applyStop } from "../budgets/stop.ts";
import { createJsonColumn, type Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";
import { isInCharge, memberRoles } from "../permissions.ts";

/** A row of `keys`, as D1 gives it. */
export const KeyRow = z.object({
  id: KeyId,
  org: OrgId,
  kind: z.enum(["inference", "admin"]),
  role: z.enum(["operator", "admin"]).nullable(),
  name: z.string(),
  hint: z.string(),
  digest: z.string(),
  pepper_kid: z.string(),
  endpoints: createJsonColumn(z.array(Endpoint)).nullable(),
  models: createJsonColumn(z.array(z.string())).nullable(),
  ip_cidrs: createJsonColumn(z.array(z.string())).nullable(),
  limits: createJsonColumn(KeyLimits).nullable(),
  expires_at_ms: z.int().nullable(),
  revoked_at_ms: z.int().nullable(),
  replaces: KeyId.nullable(),
  lineage: KeyId.nullable(),
  project: ProjectId.nullable(),
  owner: z.string().nullable(),
  stop_micros: z.int().nullable(),
  version: z.int(),
  published_version: z.int(),
  created_at_ms: z.int(),
  last_used_at_ms: z.int().nullable(),
});

/** A row of `keys`. The key itself is nowhere: only its digest and the hint for lists. */
export type KeyRow = z.infer<typeof KeyRow>;

/** The SQL condition of keys that are in force at a time, in ms. */
export const inForce = "revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?)";

const PresentedRow = KeyRow.extend({ is_suspended: z.int() });

/** Finds a key that somebody shows, and whether its org is suspended; null when there is none. */
export async function findPresented(db: Database, org: OrgId, id: KeyId): Promise<z.infer<typeof PresentedRow> | null> {
  const select = db.prepare(
    `SELECT keys.*, orgs.is_suspended FROM keys JOIN orgs ON orgs.id = keys.org WHERE keys.id = ? AND keys.org = ?`,
  );
  return PresentedRow.nullable().parse(await select.bind(id, org).first());
}

/** Finds a key of an org; null when the org has none with that id, or it is not `owner`'s where one is given. */
export async function findKey(db: Database, org: OrgId, id: KeyId, owner?: string | null): Promise<KeyRow | null> {
  const row = KeyRow.nullable().parse(
    await db.prepare("SELECT * FROM keys WHERE id = ? AND org = ?").bind(id, org).first(),
  );
  return typeof owner === "string" && row?.owner !== owner ? null : row;
}

/** Which keys of an org: a person's or a service account's, a project's, of one kind, or those not revoked. */
export interface KeyFilter {
  owner?: string | null | undefined;
  project?: string | undefined;
  kind?: KeyRow["kind"];
  onlyKept?: boolean;
}

/** An org's keys, newest first, from after `cursor`. */
export async function selectKeys(
  db: Database,
  org: OrgId,
  page: { cursor: Cursor; limit: number },
  { owner, project, kind, onlyKept = false }: KeyFilter = {},
): Promise<KeyRow[]> {
  const given = [
    ["owner = ?", owner],
    ["project = ?", project],
    ["kind = ?", kind],
  ].filter(([, value]) => typeof value === "string");
  const kept = onlyKept ? ["revoked_at_ms IS NULL"] : [];
  const conditions = ["org = ?", ...given.map(([sql]) => sql), "(created_at_ms, id) < (?, ?)", ...kept].join(" AND ");
  const select = db.prepare(`SELECT * FROM keys WHERE ${conditions} ORDER BY created_at_ms DESC, id DESC LIMIT ?`);
  const values = [org, ...given.map(([, value]) => value), page.cursor.ms, page.cursor.id, page.limit];
  return z.array(KeyRow).parse((await select.bind(...values).all()).results);
}

/**
 * Marks a key revoked. A second time keeps the first moment, yet counts the version up: whoever is about to undo a
 * rotation then sees that this revoke came after it. `wasRevoked` is what the caller takes it for: no row when it is
 * otherwise.
 */
export function revokeKeyRow(db: Database, id: KeyId, nowMs: number, wasRevoked?: boolean): Statement {
  const update = db.prepare(
    `UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?1), version = version + 1
     WHERE id = ?2 AND (?3 IS NULL OR (revoked_at_ms IS NOT NULL) = ?3) RETURNING *`,
  );
  return update.bind(nowMs, id, wasRevoked === undefined ? null : Number(wasRevoked));
}

/**
 * Ends a key as a rotation does: its expiry comes forward (never back), or without an overlap it is revoked. No row
 * when it is revoked already.
 */
export function endKey(db: Database, id: KeyId, nowMs: number, overlapMs: number): Statement {
  const end = overlapMs === 0 ? "revoked_at_ms = ?1" : "expires_at_ms = min(coalesce(expires_at_ms, ?1), ?1)";
  const update = db.prepare(
    `UPDATE keys SET ${end}, version = version + 1 WHERE id = ?2 AND revoked_at_ms IS NULL RETURNING *`,
  );
  return update.bind(nowMs + overlapMs, id);
}

/**
 * Undoes a rotation: the new key is revoked, and the old one gets back the end that it had, unless somebody has changed
 * it since. One statement, so that there is never a key more in force than there was. Returns what has changed.
 */
export function undoRotation(
  db: Database,
  fresh: KeyId,
  old: { ended: KeyRow; expiresAtMs: number | null } | null,
  nowMs: number,
): Statement {
  const update = db.prepare(
    `UPDATE keys SET version = version + 1,
       revoked_at_ms = CASE id WHEN ?1 THEN coalesce(revoked_at_ms, ?2) END,
       expires_at_ms = CASE id WHEN ?1 THEN expires_at_ms ELSE ?3 END
     WHERE id = ?1 OR (id = ?4 AND version = ?5) RETURNING *`,
  );
  const values = [fresh, nowMs, old?.expiresAtMs ?? null, old?.ended.id ?? null, old?.ended.version ?? null];
  return update.bind(...values);
}

/** What a change of a key sets; `undefined` stays, `null` is any, none or never. `limits` sets the windows it names. */
export interface KeyChange {
  name?: string | undefined;
  endpoints?: Endpoint[] | null | undefined;
  models?: string[] | null | undefined;
  ipCidrs?: string[] | null | undefined;
  limits?: KeyLimits | null | undefined;
  expiresAtMs?: number | null | undefined;
  owner?: string | null | undefined;
  project?: ProjectId | null | undefined;
}

/** What a key becomes by a change. */
export function applyKeyChange(known: KeyRow, change: KeyChange): KeyRow {
  const { name = known.name, endpoints = known.endpoints, models = known.models, limits } = change;
  const { ipCidrs = known.ip_cidrs, expiresAtMs = known.expires_at_ms } = change;
  const { owner = known.owner, project = known.project } = change;
  const set = limits ? { ...known.limits, ...limits } : limits === null ? null : known.limits;
  const scopes = { endpoints, models, ip_cidrs: ipCidrs, limits: set };
  return { ...known, name, ...scopes, expires_at_ms: expiresAtMs, owner, project };
}

const inCharge = memberRoles.filter(isInCharge).map((role) => `'${role}'`);

/** That a key's owner is in its org and may have it, and its project takes keys: of a row called `given`. */
export const hasHome = `(given.owner IS NULL
    OR EXISTS (SELECT 1 FROM members AS m WHERE m.org = given.org AND m.user = given.owner
      AND (given.kind <> 'admin' OR m.role IN (${inCharge.join(", ")})))
    OR EXISTS (SELECT 1 FROM service_accounts AS s
      WHERE s.id = given.owner AND s.org = given.org AND s.removed_at_ms IS NULL))
  AND (given.project IS NULL
    OR EXISTS (SELECT 1 FROM projects AS p
      WHERE p.id = given.project AND p.org = given.org AND p.is_archived = 0))`;

/**
 * Writes a key as it shall be, and counts its version up: no row when it has changed since it was read, is not in
 * force, or is to get an owner or a project that it may not have.
 */
export function updateKey(db: Database, changed: KeyRow, nowMs: number): Statement {
  const update = db.prepare(
    `UPDATE keys SET name = ?3, endpoints = ?4, models = ?5, ip_cidrs = ?6, limits = ?7, expires_at_ms = ?8,
       owner = ?1, project = ?2, version = version + 1
     WHERE id = ?9 AND version = ?10 AND ${inForce}
       AND ((owner IS ?1 AND project IS ?2) OR EXISTS (
         SELECT 1 FROM (SELECT keys.org AS org, keys.kind AS kind, ?1 AS owner,
           CASE WHEN keys.project IS ?2 THEN NULL ELSE ?2 END AS project) AS given WHERE ${hasHome}))
     RETURNING *`,
  );
  const { name, endpoints, models, ip_cidrs, limits, expires_at_ms, id, version } = changed;
  const scopes = [endpoints, models, ip_cidrs, limits].map((scope) => scope && JSON.stringify(scope));
  return update.bind(changed.owner, changed.project, name, ...scopes, expires_at_ms, id, version, nowMs);
}

/** Neither revoked nor expired; at the very millisecond of its expiry a key is expired. */
export function isInForce(row: KeyRow, nowMs: number): boolean {
  return row.revoked_at_ms === null && (row.expires_at_ms === null || row.expires_at_ms > nowMs);
}

/** Builds the record of an inference key that the data plane gets. */
export function toKeyRecord(row: KeyRow): KeyRecord {
  const { id, org, digest, endpoints, models, version } = row;
  const ipRanges = row.ip_cidrs?.map(readCidr).filter((range) => range !== null) ?? null;
  const isRevoked = row.revoked_at_ms !== null;
  return {
    kind: "key",
    id,
    org,
    digest,
    pepperKid: row.pepper_kid,
    isRevoked,
    expiresAtMs: row.expires_at_ms,
    endpoints,
    models,
    ipRanges,
    limits: applyStop(row.limits, row.stop_micros),
    ...(row.lineage && { lineage: row.lineage }),
    ...(row.project && { project: row.project }),
    version,
  };
}
