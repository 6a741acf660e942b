import { createRoute, z } from "@hono/zod-openapi";
import { WebhookId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { deleteWebhookRow, findWebhook } from "./queries.ts";
import { describeWebhook, WebhookPath } from "./webhook.ts";

const Answer = z.strictObject({ id: WebhookId, isDeleted: z.literal(true) }).openapi("WebhookDeleted");

/** Deletes a webhook and the log of its deliveries. What is being sent at this moment may still arrive. */
export const deleteWebhook = defineEndpoint(
  "webhooks.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/webhooks/{webhook}",
    operationId: "deleteWebhook",
    tags: ["webhooks"],
    summary: "Delete a webhook",
    request: { params: WebhookPath, body: noBody },
    responses: { 200: describeJsonAnswer("It is gone.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const known = await findWebhook(control.db, org.id, c.req.valid("param").webhook);
    if (!known) throw new Refusal("not_found");
    const [row] = await commitChange(c, {
      org: org.id,
      action: "webhook.deleted",
      target: known.id,
      before: describeWebhook(known),
      after: null,
      change: deleteWebhookRow(control.db, known.id),
    });
    if (row === undefined) throw new Refusal("not_found");
    return c.json({ id: known.id, isDeleted: true as const }, 200);
  },
);
