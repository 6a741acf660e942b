import { z } from "zod";
import { EventId, OrgId } from "../../agreements/tokens/ids.ts";
import { boundCursor, type Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";

/** A row of `events`. `body` is JSON. */
export const EventRow = z.object({ id: EventId, org: OrgId, type: z.string(), at_ms: z.int(), body: z.string() });
export type EventRow = z.infer<typeof EventRow>;

/** Which events of an org. */
export interface EventFilter {
  org: OrgId;
  type?: string | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

/** An org's events, newest first, from after `cursor`. */
export async function selectEvents(db: Database, filter: EventFilter, cursor: Cursor, limit: number) {
  const given = [
    ["type = ?", filter.type],
    ["at_ms >= ?", filter.fromMs],
  ].filter(([, value]) => value !== undefined);
  const conditions = ["org = ?", ...given.map(([sql]) => sql), "(at_ms, id) < (?, ?)"].join(" AND ");
  const select = db.prepare(`SELECT * FROM events WHERE ${conditions} ORDER BY at_ms DESC, id DESC LIMIT ?`);
  const { ms, id } = boundCursor(cursor, filter.toMs);
  const { results } = await select.bind(filter.org, ...given.map(([, value]) => value), ms, id, limit).all();
  return z.array(EventRow).parse(results);
}

/** Inserts an event unless there is one with its id. */
export function insertEventOnce(db: Database, { id, org, type, at_ms, body }: EventRow): Statement {
  const insert = db.prepare(
    "INSERT INTO events (id, org, type, at_ms, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
  );
  return insert.bind(id, org, type, at_ms, body);
}

/**
 * Deletes deliveries, and then events that no delivery needs any more, older than a time: at most so many rows each.
 */
export function sweepEvents(db: Database, beforeMs: number, rowsMax: number): Statement[] {
  const deliveries = db.prepare(
    "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE created_at_ms < ? LIMIT ?)",
  );
  const events = db.prepare(
    `DELETE FROM events WHERE id IN (SELECT id FROM events e WHERE at_ms < ?
       AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = e.id) LIMIT ?)`,
  );
  return [deliveries.bind(beforeMs, rowsMax), events.bind(beforeMs, rowsMax)];
}
