import { createRoute } from "@hono/zod-openapi";
import { mintControlId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { Delivery, DeliveryPath, refuseOff, toDelivery } from "./delivery.ts";
import { findDelivery, insertDelivery } from "./queries.ts";

/**
 * Sends an event to its webhook once more, as a delivery of its own with tries of its own; the `webhook-id` is the
 * same, so a receiver that has had it knows it again. Refused with 409 while the webhook is off.
 */
export const redeliver = defineEndpoint(
  "webhooks.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/deliveries/{delivery}/redeliver",
    operationId: "redeliver",
    tags: ["webhooks"],
    summary: "Send an event once more",
    request: { params: DeliveryPath, body: noBody },
    responses: { 202: describeJsonAnswer("The new delivery.", Delivery), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const old = await findDelivery(control.db, org.id, c.req.valid("param").delivery);
    if (!old) throw new Refusal("not_found");
    const { webhook, event } = old;
    const nowMs = visit.now();
    const id = mintControlId("delivery", (bytes) => visit.random(bytes));
    const [made] = await control.db.batch([insertDelivery(control.db, { id, webhook, event, nowMs })]);
    if (made?.results.length !== 1) throw refuseOff();
    visit.afterwards(control.deliverer.nudge(org.id));
    const row = await findDelivery(control.db, org.id, id);
    if (!row) throw new Refusal("not_found");
    return c.json(toDelivery(row), 202);
  },
);
