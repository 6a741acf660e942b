import { z } from "zod";
import { KeyId, type OrgId } from "../../agreements/tokens/ids.ts";
import { keyRetentionMs } from "../../limits.ts";
import type { AuditMark } from "../audit/entry.ts";
import { wasAudited } from "../audit/queries.ts";
import type { Database, Statement } from "../http/store.ts";
import { KeyRow } from "../keys/queries.ts";

/** Whose keys: a person's or a service account's in an org; all of them, or their admin keys alone. */
export interface KeyOwner {
  org: OrgId;
  owner: string;
  onlyAdmin: boolean;
}

/** Keys that a change takes out of force, as they were when it was planned. */
export interface EndingKeys extends KeyOwner {
  ids: KeyId[];
}

/** A condition of SQL, with the values that it takes. */
export interface PlanCondition {
  sql: string;
  values: unknown[];
}

const ofOwner = "org = ? AND owner = ? AND (? = 0 OR kind = 'admin')";
const open = `SELECT id FROM keys WHERE ${ofOwner} AND revoked_at_ms IS NULL ORDER BY id`;
/** Longer than any request lasts that could still undo a rotation. */
const undoMsMax = 3_600_000;

/** The keys of an owner that nobody has revoked, to be taken out of force by a change that is planned now. */
export async function planEnding(db: Database, of: KeyOwner): Promise<EndingKeys> {
  const { results } = await db
    .prepare(open)
    .bind(...bindOwner(of))
    .all();
  const ids = z.array(z.object({ id: KeyId })).parse(results);
  return { ...of, ids: ids.map(({ id }) => id) };
}

/** That an owner's keys are still those that were planned for, so that an entry names what was revoked and no other. */
export function areAsPlanned(ending: EndingKeys): PlanCondition {
  return {
    sql: `(SELECT json_group_array(id) FROM (${open})) = ?`,
    values: [...bindOwner(ending), JSON.stringify(ending.ids)],
  };
}

/**
 * Revokes an owner's keys, in a batch whose entry was written. Those that were revoked a moment ago count their version
 * up, too: whoever is about to undo a rotation sees that this came after it.
 */
export function endKeys(db: Database, of: KeyOwner, nowMs: number, mark: AuditMark): Statement {
  const update = db.prepare(
    `UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?), version = version + 1
     WHERE ${ofOwner} AND (revoked_at_ms IS NULL OR revoked_at_ms > ?) AND ${wasAudited}`,
  );
  return update.bind(nowMs, ...bindOwner(of), nowMs - undoMsMax, mark.org, mark.seq, mark.hash);
}

/** The keys of an owner that were revoked and that a ledger may still have otherwise: to be published again. */
export async function selectEnded(db: Database, { org, owner }: Omit<KeyOwner, "onlyAdmin">, nowMs: number) {
  const select = db.prepare("SELECT * FROM keys WHERE org = ? AND owner = ? AND revoked_at_ms > ?");
  return z.array(KeyRow).parse((await select.bind(org, owner, nowMs - keyRetentionMs).all()).results);
}

function bindOwner({ org, owner, onlyAdmin }: KeyOwner): (string | number)[] {
  return [org, owner, Number(onlyAdmin)];
}
