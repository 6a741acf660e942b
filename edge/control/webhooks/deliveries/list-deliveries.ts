import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../../http/fields.ts";
import { findWebhook } from "../queries.ts";
import { WebhookPath } from "../webhook.ts";
import { Delivery, toDelivery } from "./delivery.ts";
import { selectDeliveries } from "./queries.ts";

const Query = z.strictObject({ status: z.enum(["pending", "delivered", "failed"]).optional(), ...pageFields });

const Answer = z
  .strictObject({ deliveries: z.array(Delivery), nextCursor: z.string().nullable() })
  .openapi("DeliveryList");

/** Lists what was sent to a webhook, or is to be, newest first. It is kept for 30 days. */
export const listDeliveries = defineEndpoint(
  "webhooks.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/webhooks/{webhook}/deliveries",
    operationId: "listDeliveries",
    tags: ["webhooks"],
    summary: "List a webhook's deliveries",
    request: { params: WebhookPath, query: Query },
    responses: { 200: describeJsonAnswer("A page of deliveries.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart, status } = c.req.valid("query");
    const known = await findWebhook(control.db, org.id, c.req.valid("param").webhook);
    if (!known) throw new Refusal("not_found");
    const rows = await selectDeliveries(control.db, { webhook: known.id, status }, cursor, limit + 1);
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ deliveries: page.rows.map(toDelivery), nextCursor: page.nextCursor }, 200);
  },
);
