import { z } from "zod";
import { KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import { readCidr } from "../../agreements/ip.ts";
import type { KeyRecord } from "../../agreements/records/key.ts";
import { Endpoint } from "../../agreements/records/model.ts";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { createJsonColumn, type Cursor } from "../http/fields.ts";
import type { Database } from "../http/store.ts";

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
  version: z.int(),
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

/** Finds a key of an org; null when the org has none with that id. */
export async function findKey(db: Database, org: OrgId, id: KeyId): Promise<KeyRow | null> {
  return KeyRow.nullable().parse(await db.prepare("SELECT * FROM keys WHERE id = ? AND org = ?").bind(id, org).first());
}

/** An org's keys, newest first, from after `cursor`. */
export async function selectKeys(db: Database, org: OrgId, cursor: Cursor, limit: number): Promise<KeyRow[]> {
  const select = db.prepare(
    "SELECT * FROM keys WHERE org = ? AND (created_at_ms, id) < (?, ?) ORDER BY created_at_ms DESC, id DESC LIMIT ?",
  );
  const { results } = await select.bind(org, cursor.ms, cursor.id, limit).all();
  return z.array(KeyRow).parse(results);
}

/**
 * Marks a key revoked. A second time keeps the first moment, yet counts the version up: whoever is about to undo a
 * rotation then sees that this revoke came after it.
 */
export async function revokeKeyRow(db: Database, id: KeyId, nowMs: number): Promise<KeyRow | null> {
  const update = db.prepare(
    "UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?), version = version + 1 WHERE id = ? RETURNING *",
  );
  return KeyRow.nullable().parse(await update.bind(nowMs, id).first());
}

/**
 * Ends a key as a rotation does: its expiry comes forward (never back), or without an overlap it is revoked. `null`
 * when it is revoked already.
 */
export async function endKey(db: Database, id: KeyId, nowMs: number, overlapMs: number): Promise<KeyRow | null> {
  const end = overlapMs === 0 ? "revoked_at_ms = ?1" : "expires_at_ms = min(coalesce(expires_at_ms, ?1), ?1)";
  const update = db.prepare(
    `UPDATE keys SET ${end}, version = version + 1 WHERE id = ?2 AND revoked_at_ms IS NULL RETURNING *`,
  );
  return KeyRow.nullable().parse(await update.bind(nowMs + overlapMs, id).first());
}

/**
 * Undoes a rotation: the new key is revoked, and the old one gets back the end that it had, unless somebody has changed
 * it since. One statement, so that there is never a key more in force than there was. Returns what has changed.
 */
export async function undoRotation(
  db: Database,
  fresh: KeyId,
  old: { ended: KeyRow; expiresAtMs: number | null } | null,
  nowMs: number,
): Promise<KeyRow[]> {
  const update = db.prepare(
    `UPDATE keys SET version = version + 1,
       revoked_at_ms = CASE id WHEN ?1 THEN coalesce(revoked_at_ms, ?2) END,
       expires_at_ms = CASE id WHEN ?1 THEN expires_at_ms ELSE ?3 END
     WHERE id = ?1 OR (id = ?4 AND version = ?5) RETURNING *`,
  );
  const values = [fresh, nowMs, old?.expiresAtMs ?? null, old?.ended.id ?? null, old?.ended.version ?? null];
  const { results } = await update.bind(...values).all();
  return z.array(KeyRow).parse(results);
}

/** What a change of a key sets; `undefined` stays, `null` is any, none or never. `limits` sets the windows it names. */
export interface KeyChange {
  name?: string | undefined;
  endpoints?: Endpoint[] | null | undefined;
  models?: string[] | null | undefined;
  ipCidrs?: string[] | null | undefined;
  limits?: KeyLimits | null | undefined;
  expiresAtMs?: number | null | undefined;
}

/**
 * One statement reads, changes and counts the version up, so that of two changes at once neither is lost. `null` when
 * the key is not in force.
 */
export async function updateKey(db: Database, id: KeyId, change: KeyChange, nowMs: number): Promise<KeyRow | null> {
  const { name, endpoints, models, ipCidrs, limits, expiresAtMs } = change;
  const plain = { name, expires_at_ms: expiresAtMs };
  const scopes = { endpoints, models, ip_cidrs: ipCidrs, ...(limits === null && { limits }) };
  const given = [
    ...Object.entries(plain),
    ...Object.entries(scopes).map(([column, scope]) => [column, scope && JSON.stringify(scope)] as const),
  ].filter(([, value]) => value !== undefined);
  const sets = ["version = version + 1", ...given.map(([column]) => `${column} = ?`)];
  const values: unknown[] = given.map(([, value]) => value);
  for (const [window, bound] of Object.entries(limits ?? {})) {
    if (values.length === given.length) sets.push("limits = json_set(coalesce(limits, '{}')");
    sets[sets.length - 1] += ", ?, json(?)";
    values.push(`$.${window}`, JSON.stringify(bound));
  }
  if (values.length > given.length) sets[sets.length - 1] += ")";
  const update = db.prepare(`UPDATE keys SET ${sets.join(", ")} WHERE id = ? AND ${inForce} RETURNING *`);
  return KeyRow.nullable().parse(await update.bind(...values, id, nowMs).first());
}

/** Neither revoked nor expired; at the very millisecond of its expiry a key is expired. */
export function isInForce(row: KeyRow, nowMs: number): boolean {
  return row.revoked_at_ms === null && (row.expires_at_ms === null || row.expires_at_ms > nowMs);
}

/** Builds the record of an inference key that the data plane gets. */
export function toKeyRecord(row: KeyRow): KeyRecord {
  const { id, org, digest, endpoints, models, limits, version } = row;
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
    limits,
    ...(row.lineage && { lineage: row.lineage }),
    version,
  };
}
