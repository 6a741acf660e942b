import { z } from "zod";
import { DeliveryId, EventId, OrgId, WebhookId } from "../../../agreements/tokens/ids.ts";
import { deliveryLeaseMs, excerptCharsMax, webhookInFlightMax } from "../../../agreements/webhooks/limits.ts";
import type { Database, Statement } from "../../http/store.ts";

/** A delivery that is to be sent now, with all that it takes. */
export const ClaimedRow = z.object({
  id: DeliveryId,
  lease: z.string(),
  tries: z.int(),
  created_at_ms: z.int(),
  org: OrgId,
  webhook: WebhookId,
  url: z.string(),
  secret: z.string(),
  old_secret: z.string().nullable(),
  old_ends_at_ms: z.int().nullable(),
  event: EventId,
  type: z.string(),
  at_ms: z.int(),
  body: z.string(),
});
export type ClaimedRow = z.infer<typeof ClaimedRow>;

/**
 * The delivery whose turn it is, `?1` being the time and `?2` an org or null for all: of the webhooks that work before
 * those that fail, of the one that has waited longest for a turn, and of its deliveries the one that is due longest.
 */
const nextDue = `
  SELECT d.id FROM webhooks w JOIN deliveries d ON d.id = (
    SELECT id FROM deliveries WHERE webhook = w.id AND status = 'pending' AND next_try_at_ms <= ?1
      AND leased_until_ms <= ?1 ORDER BY next_try_at_ms LIMIT 1)
  WHERE w.is_enabled = 1 AND (?2 IS NULL OR w.org = ?2)
    AND (SELECT count(*) FROM deliveries WHERE webhook = w.id AND status = 'pending' AND leased_until_ms > ?1)
      < ${webhookInFlightMax}
  ORDER BY w.failing_since_ms IS NOT NULL, w.claimed_at_ms, d.next_try_at_ms LIMIT 1`;

/**
 * Claims the delivery whose turn it is, for the time of a lease; null when none is due. One statement, so two that ask
 * at once never get the same one.
 */
export async function claimDelivery(
  db: Database,
  { org, lease, nowMs }: { org: OrgId | null; lease: string; nowMs: number },
): Promise<ClaimedRow | null> {
  const claim = db.prepare(
    `UPDATE deliveries SET lease = ?3, leased_until_ms = ?4, tries = tries + 1, tried_at_ms = ?1
     WHERE id = (${nextDue}) RETURNING id`,
  );
  const turn = db.prepare(
    "UPDATE webhooks SET claimed_at_ms = ? WHERE id = (SELECT webhook FROM deliveries WHERE id = ?)",
  );
  const read = db.prepare(
    `SELECT d.id, d.lease, d.tries, d.created_at_ms, d.org, d.webhook, d.event, w.url, w.secret, w.old_secret,
       w.old_ends_at_ms, e.type, e.at_ms, e.body
     FROM deliveries d JOIN webhooks w ON w.id = d.webhook JOIN events e ON e.id = d.event
     WHERE d.id = ? AND d.lease = ?`,
  );
  const claimed = z
    .object({ id: DeliveryId })
    .nullable()
    .parse(await claim.bind(nowMs, org, lease, nowMs + deliveryLeaseMs).first());
  if (!claimed) return null;
  const [, rows] = await db.batch([turn.bind(nowMs, claimed.id), read.bind(claimed.id, lease)]);
  return ClaimedRow.nullable().parse(rows?.results[0] ?? null);
}

/** How a try ended, as its log tells. */
export interface TryEnd {
  nowMs: number;
  code: number | null;
  error: string | null;
  durationMs: number;
  excerpt: string | null;
}

/** Writes that a delivery has arrived, whoever may have taken it over meanwhile; and that its webhook works. */
export function finishDelivered(db: Database, claimed: ClaimedRow, end: TryEnd): Statement[] {
  const finish = db.prepare(
    `UPDATE deliveries SET status = 'delivered', next_try_at_ms = NULL, leased_until_ms = 0, lease = NULL,
       last_code = ?, last_error = NULL, last_duration_ms = ?, last_excerpt = ? WHERE id = ?`,
  );
  const works = db.prepare("UPDATE webhooks SET failing_since_ms = NULL WHERE id = ?");
  return [
    finish.bind(end.code, end.durationMs, end.excerpt?.slice(0, excerptCharsMax) ?? null, claimed.id),
    works.bind(claimed.webhook),
  ];
}

/**
 * Writes that a try has failed, and when the next one is, or that there is none; and since when its webhook fails. A
 * delivery that another sender has taken over is left to that one.
 */
export function finishFailed(db: Database, claimed: ClaimedRow, end: TryEnd, nextTryAtMs: number | null): Statement[] {
  const finish = db.prepare(
    `UPDATE deliveries SET status = CASE WHEN ?1 IS NULL THEN 'failed' ELSE 'pending' END, next_try_at_ms = ?1,
       leased_until_ms = 0, lease = NULL, last_code = ?2, last_error = ?3, last_duration_ms = ?4, last_excerpt = ?5
     WHERE id = ?6 AND lease = ?7 AND status = 'pending'`,
  );
  const fails = db.prepare(
    "UPDATE webhooks SET failing_since_ms = coalesce(failing_since_ms, ?) WHERE id = ? RETURNING failing_since_ms",
  );
  const { code, error, durationMs, excerpt, nowMs } = end;
  const text = excerpt?.slice(0, excerptCharsMax) ?? null;
  const finished = finish.bind(nextTryAtMs, code, error, durationMs, text, claimed.id, claimed.lease);
  // A secret that cannot be opened is our fault, and no webhook's.
  return error === "secret" ? [finished] : [fails.bind(nowMs, claimed.webhook), finished];
}

/** Reads since when a webhook fails, out of what `finishFailed` returned. */
export function readFailingSince(rows: { results: unknown[] }[]): number | null {
  const Row = z.object({ failing_since_ms: z.int().nullable() });
  const first = rows[0]?.results[0];
  return first === undefined ? null : Row.parse(first).failing_since_ms;
}

/** Gives up what waits for a webhook that was switched off. */
export function giveUpWaiting(db: Database, webhook: WebhookId): Statement {
  const update = db.prepare(
    `UPDATE deliveries SET status = 'failed', next_try_at_ms = NULL, last_error = coalesce(last_error, 'switched_off')
     WHERE webhook = ? AND status = 'pending'`,
  );
  return update.bind(webhook);
}
