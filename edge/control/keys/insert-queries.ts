import { z } from "zod";
import type { Endpoint } from "../../agreements/records/model.ts";
import type { KeyLimits } from "../../agreements/records/quota.ts";
import type { KeyId, OrgId, ProjectId } from "../../agreements/tokens/ids.ts";
import { keyRetentionMs, keysInForceMax, keysKeptMax } from "../../limits.ts";
import type { Database, Statement } from "../http/store.ts";
import { hasHome, inForce, type KeyRow } from "./queries.ts";

/** What minting gives and a row keeps. */
export interface Minted {
  id: KeyId;
  hint: string;
  digest: string;
  pepperKid: string;
}

/** A key to insert: scopes as given, `null` for any. */
export interface KeyDraft extends Minted {
  org: OrgId;
  kind: KeyRow["kind"];
  role: KeyRow["role"];
  name: string;
  endpoints: Endpoint[] | null;
  models: string[] | null;
  ipCidrs: string[] | null;
  limits: KeyLimits | null;
  /** The person or service account it is for, and its project. */
  owner: string | null;
  project: ProjectId | null;
  expiresAtMs: number | null;
  createdAtMs: number;
}

/** What the org's ledger still keeps, in force or not: it ended less than `keyRetentionMs` ago, if at all. */
const kept = "(revoked_at_ms IS NULL OR revoked_at_ms > ?) AND (expires_at_ms IS NULL OR expires_at_ms > ?)";

/** How many keys an org may have: in force, and kept by its ledger. */
export interface KeyRoom {
  inForce: number;
  kept: number;
}

const room: KeyRoom = { inForce: keysInForceMax, kept: keysKeptMax };

/**
 * Inserts a key at version 1; no row when its org has no room for it or is closed, or its owner or project may not have
 * it. One statement, so of two at once that see the last place one gets it, and none is made for who has just left.
 */
export function insertKey(db: Database, key: KeyDraft, max = room): Statement {
  const insert = db.prepare(
    `INSERT INTO keys (id, org, kind, role, name, hint, digest, pepper_kid, endpoints, models, ip_cidrs, limits,
       owner, project, expires_at_ms, created_at_ms)
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
     WHERE (SELECT count(*) FROM keys WHERE org = ? AND ${inForce}) < ?
       AND (SELECT count(*) FROM keys WHERE org = ? AND ${kept}) < ?
       AND EXISTS (SELECT 1 FROM (SELECT ? AS org, ? AS kind, ? AS owner, ? AS project) AS given WHERE ${hasHome})
       AND NOT EXISTS (SELECT 1 FROM orgs WHERE id = ? AND closed_at_ms IS NOT NULL)
     RETURNING *`,
  );
  const scopes = [key.endpoints, key.models, key.ipCidrs, key.limits].map((scope) => scope && JSON.stringify(scope));
  const values = [
    key.id,
    key.org,
    key.kind,
    key.role,
    key.name,
    key.hint,
    key.digest,
    key.pepperKid,
    ...scopes,
    key.owner,
    key.project,
    key.expiresAtMs,
    key.createdAtMs,
    key.org,
    key.createdAtMs,
    max.inForce,
    key.org,
    ...keptSince(key.createdAtMs),
    max.kept,
    key.org,
    key.kind,
    key.owner,
    key.project,
    key.org,
  ];
  return insert.bind(...values);
}

/** How many keys of an org are in force. */
export async function countKeys(db: Database, org: OrgId, nowMs: number): Promise<number> {
  const select = db.prepare(`SELECT count(*) AS keys FROM keys WHERE org = ? AND ${inForce}`);
  return z.object({ keys: z.int() }).parse(await select.bind(org, nowMs).first()).keys;
}

/** How many keys of an org its ledger keeps. */
export async function countKept(db: Database, org: OrgId, nowMs: number): Promise<number> {
  const select = db.prepare(`SELECT count(*) AS keys FROM keys WHERE org = ? AND ${kept}`);
  return z.object({ keys: z.int() }).parse(await select.bind(org, ...keptSince(nowMs)).first()).keys;
}

function keptSince(nowMs: number): [number, number] {
  return [nowMs - keyRetentionMs, nowMs - keyRetentionMs];
}

/**
 * Inserts an operator key unless one is in force; no row then. One statement, so two bootstraps at once make one key.
 */
export function insertFirstOperatorKey(db: Database, key: Minted & { org: OrgId; createdAtMs: number }): Statement {
  const insert = db.prepare(
    `INSERT INTO keys (id, org, kind, role, name, hint, digest, pepper_kid, created_at_ms)
     SELECT ?, ?, 'admin', 'operator', 'bootstrap', ?, ?, ?, ?
     WHERE NOT EXISTS (SELECT 1 FROM keys WHERE role = 'operator' AND ${inForce}) RETURNING *`,
  );
  const values = [key.id, key.org, key.hint, key.digest, key.pepperKid, key.createdAtMs, key.createdAtMs];
  return insert.bind(...values);
}

/**
 * Inserts the successor of a key in force, with its name, scopes and lineage (the first key of the chain); no row when
 * the key is not in force, has a successor, or its org has no room for it.
 */
export function insertSuccessor(
  db: Database,
  of: KeyId,
  key: Minted & { expiresAtMs: number | null; createdAtMs: number },
  max = room,
): Statement {
  const insert = db.prepare(
    `INSERT INTO keys (id, org, kind, role, name, hint, digest, pepper_kid, endpoints, models, ip_cidrs, limits,
       owner, project, stop_micros, expires_at_ms, replaces, lineage, created_at_ms)
     SELECT ?, org, kind, role, name, ?, ?, ?, endpoints, models, ip_cidrs, limits, owner, project, stop_micros, ?, id,
       coalesce(lineage, id), ?
     FROM keys AS old WHERE id = ? AND ${inForce}
       AND (SELECT count(*) FROM keys WHERE org = old.org AND ${inForce}) < ?
       AND (SELECT count(*) FROM keys WHERE org = old.org AND ${kept}) < ?
     ON CONFLICT (replaces) WHERE revoked_at_ms IS NULL DO NOTHING RETURNING *`,
  );
  const { id, hint, digest, pepperKid, expiresAtMs, createdAtMs } = key;
  const values = [
    id,
    hint,
    digest,
    pepperKid,
    expiresAtMs,
    createdAtMs,
    of,
    createdAtMs,
    createdAtMs,
    max.inForce,
    ...keptSince(createdAtMs),
    max.kept,
  ];
  return insert.bind(...values);
}
