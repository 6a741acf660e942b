import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { OrgId, WebhookId } from "../../agreements/tokens/ids.ts";
import { BadTarget, findForbidden, isLoopback, readTarget } from "../../agreements/webhooks/target.ts";
import { Refusal } from "../../errors.ts";
import type { AuditFacts } from "../audit/entry.ts";
import { ListenedType } from "../events/types.ts";
import { formatIso, formatIsoOrNull, Timestamp } from "../http/fields.ts";
import type { ControlEnv, WebhookPorts } from "../http/port.ts";
import { OrgPath } from "../orgs/org.ts";
import type { WebhookRow } from "./queries.ts";

const descriptionCharsMax = 200;

/** A webhook as lists show it: never its secret. */
export const Webhook = z
  .strictObject({
    id: WebhookId,
    org: OrgId,
    url: z.string(),
    types: z.array(z.string()).nullable().openapi({ description: "What it listens for; `null` is everything." }),
    description: z.string(),
    isEnabled: z.boolean(),
    failingSince: Timestamp.nullable().openapi({ description: "Since when every try has failed." }),
    switchedOffAt: Timestamp.nullable().openapi({ description: "When it was switched off because it only failed." }),
    oldSecretEndsAt: Timestamp.nullable().openapi({ description: "Until when the secret before this one signs too." }),
    version: z.int(),
    createdAt: Timestamp,
  })
  .openapi("Webhook");

/** A webhook with its secret: the one answer that ever shows it. */
export const WebhookWithSecret = z
  .strictObject({ ...Webhook.shape, secret: z.string().openapi({ description: "`whsec_…`. Shown this once." }) })
  .openapi("WebhookWithSecret");

/** The path's parts that name a webhook of an org. */
export const WebhookPath = OrgPath.extend({ webhook: WebhookId });

/** What a body may say of a webhook. */
export const webhookFields = {
  url: z.string().min(1).max(2_000).openapi({ description: "https, and the name of a public host.", format: "uri" }),
  types: z
    .array(ListenedType)
    .min(1)
    .max(ListenedType.options.length)
    .refine((types) => new Set(types).size === types.length, "names a type twice")
    .nullish()
    .openapi({ description: "The types of events that it gets; `null` is all." }),
  description: z.string().max(descriptionCharsMax).optional(),
  isEnabled: z.boolean().optional(),
};

/** The answer for a row. */
export function toWebhook(row: WebhookRow, nowMs: number): z.infer<typeof Webhook> {
  const { id, org, url, types, description, version, old_ends_at_ms: oldEndsAtMs } = row;
  const isOld = oldEndsAtMs !== null && oldEndsAtMs > nowMs;
  return {
    id,
    org,
    url,
    types,
    description,
    isEnabled: row.is_enabled !== 0,
    failingSince: formatIsoOrNull(row.failing_since_ms),
    switchedOffAt: formatIsoOrNull(row.switched_off_at_ms),
    oldSecretEndsAt: isOld ? formatIso(oldEndsAtMs) : null,
    version,
    createdAt: formatIso(row.created_at_ms),
  };
}

/** What the audit log tells of a webhook: never its secret. */
export function describeWebhook(row: Pick<WebhookRow, "url" | "types" | "description" | "is_enabled">): AuditFacts {
  const { url, types, description, is_enabled } = row;
  return { url, types, description, isEnabled: is_enabled !== 0 };
}

/** The keys that seal secrets; refused with 409 where the deployment has none. */
export function requireMasters({ masters }: WebhookPorts) {
  if (masters) return masters;
  const message = "This gateway has no webhooks: its operator has to set STORE_KEYS, which seal their secrets.";
  throw new Refusal("conflict", { message });
}

/**
 * Refuses a URL that nothing may be sent to: by what it says, and by where its name leads now (S11). It is looked up
 * again at each delivery, so what changes later is refused then. `param` is the member that has it.
 */
export async function refuseTarget(c: Context<ControlEnv>, text: string, param = "url"): Promise<void> {
  const { resolver, isLocal } = c.var.control.webhooks;
  const url = readUrl(text, isLocal, param);
  if (isLoopback(url)) return;
  const addresses = await resolver.resolve(url.hostname).catch((cause: unknown) => {
    throw new Refusal("store_unavailable", {
      message: "The name server is out of reach, so the URL could not be looked up. Repeat the request.",
      retryAfterMs: 1_000,
      log: "dns out of reach",
      cause,
    });
  });
  if (addresses.length === 0) throw refuseUrl("Its host was not found.", param);
  // Which address it is may be told to nobody: that would be a way to ask about names of our own network.
  if (findForbidden(addresses) !== null) throw refuseUrl("Its host has an address that is not public.", param);
}

function readUrl(text: string, isLocal: boolean, param: string): URL {
  try {
    return readTarget(text, isLocal);
  } catch (cause) {
    throw cause instanceof BadTarget ? refuseUrl(cause.message, param) : cause;
  }
}

function refuseUrl(why: string, param: string): Refusal {
  return new Refusal("invalid_value", { param, message: `${param}: ${why}` });
}
