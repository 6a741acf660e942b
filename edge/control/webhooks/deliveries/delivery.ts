import { z } from "@hono/zod-openapi";
import { DeliveryId, EventId, OrgId, WebhookId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { formatIso, formatIsoOrNull, Timestamp } from "../../http/fields.ts";
import { OrgPath } from "../../orgs/org.ts";
import type { DeliveryRow } from "./queries.ts";

/** A delivery as lists show it. */
export const Delivery = z
  .strictObject({
    id: DeliveryId,
    org: OrgId,
    webhook: WebhookId,
    event: EventId,
    type: z.string(),
    status: z.enum(["pending", "delivered", "failed"]),
    tries: z.int(),
    lastTryAt: Timestamp.nullable(),
    nextTryAt: Timestamp.nullable(),
    lastCode: z.int().nullable().openapi({ description: "The status of the last answer; `null` where none came." }),
    lastError: z
      .string()
      .nullable()
      .openapi({
        description:
          "Why the last try failed: `status` (not 200 to 299), `redirect`, `timeout`, `connection`, `dns`, `address` " +
          "(not public), `url`, `secret` (ours), `switched_off`.",
      }),
    lastDurationMs: z.int().nullable(),
    createdAt: Timestamp,
  })
  .openapi("Delivery");

/** The path's parts that name a delivery of an org. */
export const DeliveryPath = OrgPath.extend({ delivery: DeliveryId });

/** The answer for a row. */
export function toDelivery(row: DeliveryRow): z.infer<typeof Delivery> {
  const { id, org, webhook, event, type, status, tries } = row;
  return {
    id,
    org,
    webhook,
    event,
    type,
    status,
    tries,
    lastTryAt: formatIsoOrNull(row.tried_at_ms),
    nextTryAt: formatIsoOrNull(row.next_try_at_ms),
    lastCode: row.last_code,
    lastError: row.last_error,
    lastDurationMs: row.last_duration_ms,
    createdAt: formatIso(row.created_at_ms),
  };
}

/** Refuses to send to a webhook that is off. */
export function refuseOff(): Refusal {
  return new Refusal("conflict", { message: "The webhook is switched off. Switch it on first." });
}
