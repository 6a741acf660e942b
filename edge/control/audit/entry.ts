import { digestHex } from "../../agreements/digest.ts";
import type { OrgId } from "../../agreements/tokens/ids.ts";

/** What an entry says of a thing before and after: names, numbers, ids. Never a secret; of those, at most a digest. */
export type AuditFacts = Readonly<Record<string, unknown>>;

/** Who did it: a key, a member, an operator by either, or the house itself (bootstrap, chores). */
export interface AuditActor {
  kind: "key" | "member" | "operator" | "house";
  id: string;
  name: string;
  ip: string | null;
}

/** One entry of an org's audit log, without its hash. `before` and `after` are JSON, `prev` the hash before it. */
export interface AuditEntry {
  org: OrgId;
  seq: number;
  atMs: number;
  actor: AuditActor;
  action: string;
  target: string;
  before: string | null;
  after: string | null;
  request: string | null;
  prev: string;
}

/** How an entry of a batch is known to the statements that follow it (`wasAudited`). */
export interface AuditMark {
  org: OrgId;
  seq: number;
  hash: string;
}

/** What the first entry of a log has for the hash before it. */
export const auditStart = "0".repeat(64);

/**
 * The hash of an entry, in hex: SHA-256 of the hash before it, a line feed, and the entry as a JSON array of its fields
 * in their order. Whoever has a log can reckon it again (`penstock audit verify`).
 */
export function hashEntry(entry: AuditEntry): string {
  const { org, seq, atMs, actor, action, target, before, after, request, prev } = entry;
  const { kind, id, name, ip } = actor;
  return digestHex(
    `${prev}\n${JSON.stringify([org, seq, atMs, kind, id, name, ip, action, target, before, after, request])}`,
  );
}
