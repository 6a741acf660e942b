import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../../http/endpoint.ts";
import { writeDeliveryBody } from "../sending/body.ts";
import { Delivery, DeliveryPath, toDelivery } from "./delivery.ts";
import { findDelivery } from "./queries.ts";

const Answer = z
  .strictObject({
    ...Delivery.shape,
    requestBody: z.string().openapi({ description: "What is sent, to the letter." }),
    responseExcerpt: z.string().nullable().openapi({ description: "How the last answer began." }),
  })
  .openapi("DeliveryShown");

/** Shows a delivery: what is sent, and how the last answer began. */
export const showDelivery = defineEndpoint(
  "webhooks.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/deliveries/{delivery}",
    operationId: "showDelivery",
    tags: ["webhooks"],
    summary: "Show a delivery",
    request: { params: DeliveryPath },
    responses: { 200: describeJsonAnswer("The delivery.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const row = await findDelivery(control.db, org.id, c.req.valid("param").delivery);
    if (!row) throw new Refusal("not_found");
    const requestBody = writeDeliveryBody({ ...row, id: row.event });
    return c.json({ ...toDelivery(row), requestBody, responseExcerpt: row.last_excerpt }, 200);
  },
);
