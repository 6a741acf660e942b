import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectWebhooks } from "./queries.ts";
import { toWebhook, Webhook } from "./webhook.ts";

const Answer = z.strictObject({ webhooks: z.array(Webhook), nextCursor: z.string().nullable() }).openapi("WebhookList");

/** Lists an org's webhooks, newest first, those too that are switched off. */
export const listWebhooks = defineEndpoint(
  "webhooks.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/webhooks",
    operationId: "listWebhooks",
    tags: ["webhooks"],
    summary: "List webhooks",
    request: { params: OrgPath, query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of webhooks.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const rows = await selectWebhooks(control.db, org.id, cursor, limit + 1);
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ webhooks: page.rows.map((row) => toWebhook(row, visit.now())), nextCursor: page.nextCursor }, 200);
  },
);
