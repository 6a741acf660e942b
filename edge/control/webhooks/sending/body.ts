import { parseObject } from "../../../agreements/json.ts";
import type { EventRow } from "../../events/queries.ts";
import { formatIso } from "../../http/fields.ts";

/**
 * The body of a delivery, the same at each try: what Standard Webhooks asks for (`type`, `timestamp`, `data`), and
 * beside it what OpenAI's clients know an event by (`id`, `object`, `created_at`).
 */
export function writeDeliveryBody({
  id,
  org,
  type,
  at_ms,
  body,
}: Pick<EventRow, "id" | "org" | "type" | "at_ms" | "body">) {
  return JSON.stringify({
    id,
    object: "event",
    type,
    timestamp: formatIso(at_ms),
    created_at: Math.floor(at_ms / 1_000),
    org,
    data: parseObject(body) ?? {},
  });
}
