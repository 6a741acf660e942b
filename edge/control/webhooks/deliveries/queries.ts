import { z } from "zod";
import { DeliveryId, EventId, OrgId, WebhookId } from "../../../agreements/tokens/ids.ts";
import type { EventRow } from "../../events/queries.ts";
import type { Cursor } from "../../http/fields.ts";
import type { Database, Statement } from "../../http/store.ts";

/** A row of `deliveries` with the type of its event. */
export const DeliveryRow = z.object({
  id: DeliveryId,
  org: OrgId,
  webhook: WebhookId,
  event: EventId,
  type: z.string(),
  status: z.enum(["pending", "delivered", "failed"]),
  tries: z.int(),
  next_try_at_ms: z.int().nullable(),
  tried_at_ms: z.int().nullable(),
  last_code: z.int().nullable(),
  last_error: z.string().nullable(),
  last_duration_ms: z.int().nullable(),
  last_excerpt: z.string().nullable(),
  created_at_ms: z.int(),
});
export type DeliveryRow = z.infer<typeof DeliveryRow>;

const WholeRow = DeliveryRow.extend({ at_ms: z.int(), body: z.string() });

/** A webhook's deliveries, newest first, from after `cursor`: all, or those of a status. */
export async function selectDeliveries(
  db: Database,
  { webhook, status }: { webhook: WebhookId; status?: DeliveryRow["status"] | undefined },
  cursor: Cursor,
  limit: number,
): Promise<DeliveryRow[]> {
  const given = status === undefined ? [] : [status];
  const select = db.prepare(
    `SELECT d.*, e.type FROM deliveries d CROSS JOIN events e ON e.id = d.event
     WHERE d.webhook = ? ${given.map(() => "AND d.status = ?").join("")} AND (d.created_at_ms, d.id) < (?, ?)
     ORDER BY d.created_at_ms DESC, d.id DESC LIMIT ?`,
  );
  const { results } = await select.bind(webhook, ...given, cursor.ms, cursor.id, limit).all();
  return z.array(DeliveryRow).parse(results);
}

/** Finds a delivery of an org, with its event; null when the org has none with that id. */
export async function findDelivery(db: Database, org: OrgId, id: DeliveryId): Promise<z.infer<typeof WholeRow> | null> {
  const select = db.prepare(
    `SELECT d.*, e.type, e.at_ms, e.body FROM deliveries d JOIN events e ON e.id = d.event
     WHERE d.id = ? AND d.org = ?`,
  );
  return WholeRow.nullable().parse(await select.bind(id, org).first());
}

/** Inserts a delivery that is due at once; no row when the webhook is off, or gone. */
export function insertDelivery(
  db: Database,
  { id, webhook, event, nowMs }: { id: DeliveryId; webhook: WebhookId; event: EventId; nowMs: number },
): Statement {
  const insert = db.prepare(
    `INSERT INTO deliveries (id, org, webhook, event, next_try_at_ms, created_at_ms)
     SELECT ?1, w.org, w.id, ?2, ?3, ?3 FROM webhooks w WHERE w.id = ?4 AND w.is_enabled = 1 RETURNING *`,
  );
  return insert.bind(id, event, nowMs, webhook);
}

/** Inserts an event that is for one webhook alone, if that is on. */
export function insertTestEvent(db: Database, event: EventRow, webhook: WebhookId): Statement {
  const insert = db.prepare(
    `INSERT INTO events (id, org, type, at_ms, body)
     SELECT ?, ?, ?, ?, ? FROM webhooks WHERE id = ? AND is_enabled = 1`,
  );
  return insert.bind(event.id, event.org, event.type, event.at_ms, event.body, webhook);
}
