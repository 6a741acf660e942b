import { z } from "zod";
import { OrgId } from "../../agreements/tokens/ids.ts";
import type { Database, Statement } from "../http/store.ts";
import type { AuditEntry, AuditMark } from "./entry.ts";

const Mark = z.object({ seq: z.int(), hash: z.string() });
const Head = Mark.extend({ atMs: z.int() });

/** Where an org's log ends: the last entry's number, hash and time. */
export type AuditHead = z.infer<typeof Head>;

/** A row of `audit`. */
export const AuditRow = z.object({
  org: OrgId,
  seq: z.int(),
  at_ms: z.int(),
  actor_kind: z.enum(["key", "member", "operator", "house"]),
  actor: z.string(),
  actor_name: z.string(),
  actor_ip: z.string().nullable(),
  action: z.string(),
  target: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  request: z.string().nullable(),
  prev: z.string(),
  hash: z.string(),
});
export type AuditRow = z.infer<typeof AuditRow>;

/** Which entries of an org: by whom, of what, about what (one or several), from `fromMs` up to but not at `toMs`. */
export interface AuditFilter {
  org: OrgId;
  actor?: string | readonly string[] | undefined;
  action?: string | readonly string[] | undefined;
  target?: string | readonly string[] | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

/** Reads where an org's log ends; null when it has none yet. */
export async function findAuditHead(db: Database, org: OrgId): Promise<AuditHead | null> {
  const select = db.prepare("SELECT seq, hash, at_ms AS atMs FROM audit WHERE org = ? ORDER BY seq DESC LIMIT 1");
  return Head.nullable().parse(await select.bind(org).first());
}

/** Inserts an entry if the statement right before it in the batch has changed a row, else none. */
export function insertEntry(db: Database, entry: AuditEntry, hash: string): Statement {
  const insert = db.prepare(
    `INSERT INTO audit (org, seq, at_ms, actor_kind, actor, actor_name, actor_ip, action, target, before, after,
       request, prev, hash)
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE changes() > 0`,
  );
  const { org, seq, atMs, actor, action, target, before, after, request, prev } = entry;
  const { kind, id, name, ip } = actor;
  return insert.bind(org, seq, atMs, kind, id, name, ip, action, target, before, after, request, prev, hash);
}

/** The SQL condition that an entry of this batch was written; takes its org, number and hash. */
export const wasAudited = "EXISTS (SELECT 1 FROM audit WHERE org = ? AND seq = ? AND hash = ?)";

/** The first entry of an org since a moment, or one that no log reaches; no entry is older than the one before it. */
const firstSince = `coalesce((SELECT seq FROM audit INDEXED BY audit_by_time WHERE org = ? AND at_ms >= ?
  ORDER BY at_ms, seq LIMIT 1), ${Number.MAX_SAFE_INTEGER})`;

/**
 * Entries, newest first, from before entry `beforeSeq`. Indexes are named, since the planner takes the primary key
 * whatever is asked, and would walk a whole log for what stands in it seldom.
 */
export async function selectAudit(
  db: Database,
  filter: AuditFilter,
  beforeSeq: number,
  limit: number,
): Promise<AuditRow[]> {
  const { org, fromMs, toMs } = filter;
  const given = [
    [writeAmong("target", filter.target), filter.target, "INDEXED BY audit_by_target"],
    [writeAmong("actor", filter.actor), filter.actor, "INDEXED BY audit_by_actor"],
    [writeAmong("action", filter.action), filter.action, "INDEXED BY audit_by_action"],
  ].filter(([, value]) => value !== undefined);
  const index = given[0]?.[2] ?? "";
  const conditions = ["org = ?", ...given.map(([sql]) => sql)];
  const values: unknown[] = [org];
  for (const [, value] of given) values.push(Array.isArray(value) ? JSON.stringify(value) : value);
  // One bound at each end: of two at one end the index is searched by either, and the rest is walked.
  conditions.push(toMs === undefined ? "seq < ?" : `seq < min(?, ${firstSince})`);
  values.push(beforeSeq, ...(toMs === undefined ? [] : [org, toMs]));
  if (fromMs !== undefined) {
    conditions.push(`seq >= ${firstSince}`);
    values.push(org, fromMs);
  }
  const select = db.prepare(`SELECT * FROM audit ${index} WHERE ${conditions.join(" AND ")} ORDER BY seq DESC LIMIT ?`);
  return z.array(AuditRow).parse((await select.bind(...values, limit).all()).results);
}

function writeAmong(column: string, value: string | readonly string[] | undefined): string {
  return Array.isArray(value) ? `${column} IN (SELECT value FROM json_each(?))` : `${column} = ?`;
}

/** Entries, oldest first, from after entry `afterSeq`: as they are verified. */
export async function selectChain(db: Database, org: OrgId, afterSeq: number, limit: number): Promise<AuditRow[]> {
  const select = db.prepare("SELECT * FROM audit WHERE org = ? AND seq > ? ORDER BY seq LIMIT ?");
  const { results } = await select.bind(org, afterSeq, limit).all();
  return z.array(AuditRow).parse(results);
}

/** Inserts an event of a batch whose entry was written. */
export function insertEvent(
  db: Database,
  event: { id: string; org: OrgId; type: string; atMs: number; body: string },
  mark: AuditMark,
): Statement {
  const insert = db.prepare(`INSERT INTO events (id, org, type, at_ms, body) SELECT ?, ?, ?, ?, ? WHERE ${wasAudited}`);
  return insert.bind(event.id, event.org, event.type, event.atMs, event.body, mark.org, mark.seq, mark.hash);
}

const SignedHead = z.object({
  org: OrgId,
  seq: z.int(),
  hash: z.string(),
  at_ms: z.int(),
  kid: z.string(),
  signature: z.string(),
});

/** The end of a log as it was signed. */
export type SignedHead = z.infer<typeof SignedHead>;

/** The ends of logs, of orgs after `afterOrg`, that have an entry since their last head and no head of `sinceMs`. */
export async function selectUnsigned(
  db: Database,
  { afterOrg, sinceMs }: { afterOrg: string; sinceMs: number },
  limit: number,
): Promise<{ org: OrgId; seq: number; hash: string }[]> {
  const select = db.prepare(
    `SELECT o.id AS org, a.seq, a.hash FROM orgs AS o
     JOIN audit AS a ON a.org = o.id AND a.seq = (SELECT seq FROM audit WHERE org = o.id ORDER BY seq DESC LIMIT 1)
     LEFT JOIN audit_heads AS h
       ON h.org = o.id AND h.seq = (SELECT seq FROM audit_heads WHERE org = o.id ORDER BY seq DESC LIMIT 1)
     WHERE o.id > ? AND (h.seq IS NULL OR (h.seq < a.seq AND h.at_ms < ?)) ORDER BY o.id LIMIT ?`,
  );
  const { results } = await select.bind(afterOrg, sinceMs, limit).all();
  return z.array(Mark.extend({ org: OrgId })).parse(results);
}

/** Inserts a signed head; one that is there already stays. */
export function insertHead(db: Database, { org, seq, hash, at_ms, kid, signature }: SignedHead): Statement {
  const insert = db.prepare(
    `INSERT INTO audit_heads (org, seq, hash, at_ms, kid, signature) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  return insert.bind(org, seq, hash, at_ms, kid, signature);
}

/** The signed heads of an org's log up to an entry, oldest first. */
export async function selectHeads(db: Database, org: OrgId, upToSeq: number): Promise<SignedHead[]> {
  const select = db.prepare("SELECT * FROM audit_heads WHERE org = ? AND seq <= ? ORDER BY seq");
  return z.array(SignedHead).parse((await select.bind(org, upToSeq).all()).results);
}
