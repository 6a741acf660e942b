import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { findWebhook, updateWebhook, WebhookRow } from "./queries.ts";
import { describeWebhook, refuseTarget, toWebhook, Webhook, webhookFields, WebhookPath } from "./webhook.ts";

const Body = z
  .strictObject({ ...webhookFields, url: webhookFields.url.optional() })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "Nothing to change.")
  .openapi("WebhookChange", { minProperties: 1 });

/**
 * Sets a webhook's URL, types, description, or whether it is on; what is not named stays. Switched off it gets nothing:
 * what was on its way waits, and what happens meanwhile is never sent. Of two changes at once one is refused with 409.
 */
export const changeWebhook = defineEndpoint(
  "webhooks.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/webhooks/{webhook}",
    operationId: "changeWebhook",
    tags: ["webhooks"],
    summary: "Set a webhook's URL, types and description; switch it on or off",
    request: { params: WebhookPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The webhook.", Webhook), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const body = c.req.valid("json");
    const known = await findWebhook(control.db, org.id, c.req.valid("param").webhook);
    if (!known) throw new Refusal("not_found");
    refuseUnlessVersion(known, readIfMatch(c));
    if (body.url !== undefined) await refuseTarget(c, body.url);
    const { url = known.url, types = known.types, description = known.description, isEnabled } = body;
    const is_enabled = isEnabled === undefined ? known.is_enabled : Number(isEnabled);
    const changed = { ...known, url, types, description, is_enabled };
    const [row] = await commitChange(c, {
      org: org.id,
      action: "webhook.changed",
      target: known.id,
      ...diffFacts(describeWebhook(known), describeWebhook(changed)),
      change: updateWebhook(control.db, changed),
    });
    if (row === undefined) throw new Refusal("conflict", { message: "The webhook was changed at the same time." });
    return c.json(toWebhook(showVersion(c, WebhookRow.parse(row)), visit.now()), 200);
  },
);
