import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { WebhookId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import { winRace } from "../audit/races.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { findWebhook, updateWebhook, WebhookRow } from "./queries.ts";
import { describeWebhook, refuseTarget, toWebhook, Webhook, webhookFields, WebhookPath } from "./webhook.ts";

const Body = z
  .strictObject({ ...webhookFields, url: webhookFields.url.optional() })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "Nothing to change.")
  .openapi("WebhookChange", { minProperties: 1 });

/**
 * Sets a webhook's URL, types, description, or whether it is on; what is not named stays. Switched off it gets nothing:
 * what was on its way waits, and what happens meanwhile is never sent. Of two changes at once neither is lost.
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
    const body = c.req.valid("json");
    const row = await commitWebhookChange(c, c.req.valid("param").webhook, body);
    return c.json(toWebhook(showVersion(c, row), c.var.visit.now()), 200);
  },
);

async function commitWebhookChange(
  c: Context<ControlEnv>,
  id: WebhookId,
  body: z.infer<typeof Body>,
): Promise<WebhookRow> {
  const { control, org } = c.var;
  const expected = readIfMatch(c);
  let isLooked = body.url === undefined;
  return winRace("a webhook", async () => {
    const known = await findWebhook(control.db, org.id, id);
    if (!known) throw new Refusal("not_found");
    refuseUnlessVersion(known, expected);
    if (!isLooked) await refuseTarget(c, body.url ?? "");
    isLooked = true;
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
    return WebhookRow.optional().parse(row);
  });
}
