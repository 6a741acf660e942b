import { z } from "@hono/zod-openapi";

const Id = z.string();
const Moment = z.iso.datetime();

/** What of a key an event tells: what its page shows, never the key, nor its digest. */
const KeyFacts = z.looseObject({ key: Id, kind: z.enum(["inference", "admin"]), name: z.string(), hint: z.string() });

/**
 * The types of events, and the `data` of each: the one table of them. What webhooks may listen for, the API's document
 * and docs/webhooks.md follow from it, and a test holds what is written to it.
 */
const table = {
  "key.created": { says: "A key was made, by hand or as another's successor.", data: KeyFacts },
  "key.rotated": {
    says: "A key got a successor, and ends after the overlap.",
    data: z.looseObject({ key: Id, replacedBy: Id, overlapSeconds: z.int() }),
  },
  "key.revoked": {
    says: "A key was revoked.",
    data: z.looseObject({ key: Id, revokedAtMs: z.int() }),
  },
  "key.leaked": {
    says: "A key was found in public. It is revoked already.",
    data: z.looseObject({
      key: Id,
      hint: z.string(),
      name: z.string(),
      url: z.string().nullable().describe("Where it was found."),
      source: z.string().nullable(),
      revokedAtMs: z.int(),
    }),
  },
  "member.invited": { says: "Somebody was invited.", data: z.looseObject({}) },
  "member.joined": { says: "Somebody became a member.", data: z.looseObject({}) },
  "member.changed": { says: "A member's role was changed.", data: z.looseObject({}) },
  "member.removed": { says: "A member left or was removed.", data: z.looseObject({}) },
  "login.changed": {
    says: "The company login was set, changed or removed, or what proves its domains was.",
    data: z.looseObject({ change: z.string() }),
  },
  "budget.reached": { says: "A share of a month's budget is spent; once a month each.", data: z.looseObject({}) },
  "limit.reached": {
    says: "Calls were refused by a limit; once for each window of the org's, and of its keys together.",
    data: z.looseObject({
      window: z.string().describe("The limit's name, as the org names its limits."),
      of: z.string().describe("`org`, or `key`: whose limit it is."),
      key: Id.describe("The key of the first call that was refused."),
      limit: z.int(),
      from: Moment.describe("When the window began that no second event tells of."),
      resetAt: Moment,
    }),
  },
  "webhook.disabled": {
    says: "A webhook was switched off, since every try has failed for 72 hours. The org's other webhooks hear of it.",
    data: z.looseObject({ webhook: Id, url: z.string(), failingSince: Moment }),
  },
  "webhook.test": {
    says: "Somebody asked for a test. Only the webhook that is tested gets it.",
    data: z.looseObject({ webhook: Id }),
  },
} as const satisfies Record<string, { says: string; data: z.ZodType }>;

/** The type of an event that this gateway writes. */
export type EventType = keyof typeof table;

/** The table, for docs and tests. */
export const eventTypes: Readonly<Record<EventType, { says: string; data: z.ZodType }>> = table;

/** A type that a webhook may listen for: all but the test, which nobody needs to ask for. */
export const ListenedType = z.enum(Object.keys(table).filter((type) => type !== "webhook.test"));
