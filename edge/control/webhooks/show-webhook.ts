import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { showVersion } from "../http/writes/versions.ts";
import { findWebhook } from "./queries.ts";
import { toWebhook, Webhook, WebhookPath } from "./webhook.ts";

/** Shows a webhook; its secret was shown when it was made, and is not again. */
export const showWebhook = defineEndpoint(
  "webhooks.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/webhooks/{webhook}",
    operationId: "showWebhook",
    tags: ["webhooks"],
    summary: "Show a webhook",
    request: { params: WebhookPath },
    responses: { 200: describeJsonAnswer("The webhook.", Webhook), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const row = await findWebhook(control.db, org.id, c.req.valid("param").webhook);
    if (!row) throw new Refusal("not_found");
    return c.json(toWebhook(showVersion(c, row), visit.now()), 200);
  },
);
