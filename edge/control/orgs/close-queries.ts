import { z } from "zod";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import { keyRetentionMs } from "../../limits.ts";
import type { AuditMark } from "../audit/entry.ts";
import { wasAudited } from "../audit/queries.ts";
import type { Database, Statement } from "../http/store.ts";
import { KeyRow } from "../keys/queries.ts";

/** Closes an org and suspends it; no row when it is closed already. */
export function closeOrgRow(db: Database, id: OrgId, nowMs: number): Statement {
  const update = db.prepare(
    `UPDATE orgs SET closed_at_ms = ?, is_suspended = 1, version = version + 1
     WHERE id = ? AND closed_at_ms IS NULL AND is_operator = 0 RETURNING *`,
  );
  return update.bind(nowMs, id);
}

/** Revokes every key of an org, in a batch whose entry was written; a rotation under way cannot be undone then. */
export function endOrgKeys(db: Database, nowMs: number, mark: AuditMark): Statement {
  const update = db.prepare(
    `UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?), version = version + 1
     WHERE org = ? AND (revoked_at_ms IS NULL OR revoked_at_ms > ?) AND ${wasAudited}`,
  );
  return update.bind(nowMs, mark.org, nowMs - keyRetentionMs, mark.org, mark.seq, mark.hash);
}

/** The keys of an org that were revoked and that its ledger may still have otherwise. */
export async function selectEndedKeys(db: Database, org: OrgId, nowMs: number): Promise<KeyRow[]> {
  const select = db.prepare("SELECT * FROM keys WHERE org = ? AND revoked_at_ms > ?");
  return z.array(KeyRow).parse((await select.bind(org, nowMs - keyRetentionMs).all()).results);
}
