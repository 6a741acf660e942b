import { createRoute, z } from "@hono/zod-openapi";
import { sealSecret } from "../../agreements/webhooks/secrets.ts";
import { mintWebhookSecret } from "../../agreements/webhooks/signature.ts";
import { Refusal } from "../../errors.ts";
import { rotationOverlapMsMax } from "../../limits.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { findWebhook, rotateSecret, WebhookRow } from "./queries.ts";
import { requireMasters, toWebhook, WebhookPath, WebhookWithSecret } from "./webhook.ts";

const Body = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(rotationOverlapMsMax / 1_000)
      .openapi({ description: "How long the old secret still signs, beside the new one. 0 ends it at once." }),
  })
  .openapi("WebhookRotate");

/**
 * Gives a webhook a new secret, shown this once. During the overlap each delivery is signed with both, so that a
 * receiver that knows either verifies it; after it with the new one alone (J5). Of two at once one is refused with 409.
 */
export const rotateWebhook = defineEndpoint(
  "webhooks.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/webhooks/{webhook}/rotate",
    operationId: "rotateWebhook",
    tags: ["webhooks"],
    summary: "Rotate a webhook's secret",
    request: { params: WebhookPath, body: describeJsonBody(Body) },
    responses: {
      200: describeJsonAnswer("The webhook; `secret`, the new one, is shown this once.", WebhookWithSecret),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { overlapSeconds } = c.req.valid("json");
    const masters = requireMasters(control.webhooks);
    const known = await findWebhook(control.db, org.id, c.req.valid("param").webhook);
    if (!known) throw new Refusal("not_found");
    const random = (bytes: number) => visit.random(bytes);
    const secret = mintWebhookSecret(random);
    const sealed = await sealSecret(masters, known.id, secret, random);
    const nowMs = visit.now();
    const oldEndsAtMs = overlapSeconds === 0 ? null : nowMs + overlapSeconds * 1_000;
    const [row] = await commitChange(c, {
      org: org.id,
      action: "webhook.rotated",
      target: known.id,
      before: null,
      after: { overlapSeconds },
      change: rotateSecret(control.db, known, sealed, oldEndsAtMs),
    });
    if (row === undefined) throw new Refusal("conflict", { message: "The webhook was changed at the same time." });
    return c.json({ ...toWebhook(WebhookRow.parse(row), nowMs), secret }, 200);
  },
);
