import { createRoute } from "@hono/zod-openapi";
import { mintControlId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import type { EventDraft } from "../../events/types.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { findWebhook } from "../queries.ts";
import { WebhookPath } from "../webhook.ts";
import { Delivery, refuseOff, toDelivery } from "./delivery.ts";
import { findDelivery, insertDelivery, insertTestEvent } from "./queries.ts";

/** Sends `webhook.test` to one webhook, whatever it listens for. Refused with 409 while it is off. */
export const testWebhook = defineEndpoint(
  "webhooks.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/webhooks/{webhook}/test",
    operationId: "testWebhook",
    tags: ["webhooks"],
    summary: "Send a test event",
    request: { params: WebhookPath, body: noBody },
    responses: { 202: describeJsonAnswer("Its delivery.", Delivery), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const known = await findWebhook(control.db, org.id, c.req.valid("param").webhook);
    if (!known) throw new Refusal("not_found");
    if (known.is_enabled === 0) throw refuseOff();
    const { db } = control;
    const nowMs = visit.now();
    const random = (bytes: number) => visit.random(bytes);
    const [event, id] = [mintControlId("event", random), mintControlId("delivery", random)];
    const { type, body }: EventDraft = { type: "webhook.test", body: { webhook: known.id } };
    await db.batch([
      insertTestEvent(db, { id: event, org: org.id, type, at_ms: nowMs, body: JSON.stringify(body) }, known.id),
      insertDelivery(db, { id, webhook: known.id, event, nowMs }),
    ]);
    const row = await findDelivery(db, org.id, id);
    // Both were left out when it was switched off, or deleted, in between.
    if (!row) throw refuseOff();
    visit.afterwards(control.deliverer.nudge(org.id));
    return c.json(toDelivery(row), 202);
  },
);
