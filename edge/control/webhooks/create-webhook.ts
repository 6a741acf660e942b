import { createRoute, z } from "@hono/zod-openapi";
import { mintControlId } from "../../agreements/tokens/ids.ts";
import { webhooksMax } from "../../agreements/webhooks/limits.ts";
import { sealSecret } from "../../agreements/webhooks/secrets.ts";
import { mintWebhookSecret } from "../../agreements/webhooks/signature.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { OrgPath } from "../orgs/org.ts";
import { insertWebhook, WebhookRow } from "./queries.ts";
import {
  describeWebhook,
  refuseTarget,
  requireMasters,
  toWebhook,
  webhookFields,
  WebhookWithSecret,
} from "./webhook.ts";

const Body = z.strictObject(webhookFields).openapi("WebhookCreate");

/**
 * Makes a webhook and shows its secret this once. Its URL has to lead to the public internet (S11). Refused with 409
 * where the org has as many as it may, and where the deployment cannot keep secrets.
 */
export const createWebhook = defineEndpoint(
  "webhooks.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/webhooks",
    operationId: "createWebhook",
    tags: ["webhooks"],
    summary: "Create a webhook",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: {
      201: describeJsonAnswer("The webhook; `secret` is shown this once.", WebhookWithSecret),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { url, types = null, description = "", isEnabled = true } = c.req.valid("json");
    const masters = requireMasters(control.webhooks);
    await refuseTarget(c, url);
    const random = (bytes: number) => visit.random(bytes);
    const id = mintControlId("webhook", random);
    const secret = mintWebhookSecret(random);
    const sealed = await sealSecret(masters, id, secret, random);
    const nowMs = visit.now();
    const draft = { id, org: org.id, url, description, types, secret: sealed, isEnabled, createdAtMs: nowMs };
    const [row] = await commitChange(c, {
      org: org.id,
      action: "webhook.created",
      target: id,
      before: null,
      after: describeWebhook({ url, types, description, is_enabled: Number(isEnabled) }),
      change: insertWebhook(control.db, draft, webhooksMax),
    });
    if (row === undefined) {
      const message = `The organization has ${webhooksMax} webhooks, as many as it may have.`;
      throw new Refusal("conflict", { message });
    }
    return c.json({ ...toWebhook(WebhookRow.parse(row), nowMs), secret }, 201);
  },
);
