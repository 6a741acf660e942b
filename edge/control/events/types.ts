import { z } from "@hono/zod-openapi";
import { Endpoint } from "../../agreements/records/model.ts";
import { KeyLimits, Window } from "../../agreements/records/quota.ts";
import { BudgetId, InvitationId, KeyId, LoginId, ProjectId, UserId, WebhookId } from "../../agreements/tokens/ids.ts";
import { memberRoles } from "../permissions.ts";

const Moment = z.iso.datetime();
const Role = z.enum(memberRoles);

/** What of a key an event tells: what its page shows, never the key, nor its digest. */
const KeyFacts = z.strictObject({
  key: KeyId,
  kind: z.enum(["inference", "admin"]),
  name: z.string(),
  hint: z.string(),
  endpoints: z.array(Endpoint).nullable(),
  models: z.array(z.string()).nullable(),
  ipCidrs: z.array(z.string()).nullable(),
  limits: KeyLimits.nullable(),
  expiresAtMs: z.int().nullable(),
  owner: z.string().nullable(),
  project: ProjectId.nullable(),
});

/**
 * The types of events, and the `data` of each, whole: the one table of them. Who writes an event is held to it by its
 * type; what the database writes itself, and docs/webhooks.md, by tests.
 */
const table = {
  "key.created": { says: "A key was made, by hand or as another's successor.", data: KeyFacts },
  "key.rotated": {
    says: "A key got a successor, and ends after the overlap.",
    data: z.strictObject({ key: KeyId, replacedBy: KeyId, overlapSeconds: z.int() }),
  },
  "key.revoked": {
    says: "A key was revoked by itself: not with its member, its service account or the org.",
    data: z.strictObject({ key: KeyId, revokedAtMs: z.int() }),
  },
  "key.leaked": {
    says: "A key was found in public. It is revoked already.",
    data: z.strictObject({
      key: KeyId,
      hint: z.string(),
      name: z.string(),
      url: z.string().nullable().describe("Where it was found."),
      source: z.string().nullable(),
      revokedAtMs: z.int(),
    }),
  },
  "member.invited": {
    says: "Somebody was invited.",
    data: z.strictObject({ invitation: InvitationId, email: z.string(), role: Role }),
  },
  "member.joined": {
    says: "Somebody became a member, by an invitation or the company login.",
    data: z.strictObject({
      user: UserId,
      role: Role,
      invitation: InvitationId.optional(),
      login: LoginId.optional(),
    }),
  },
  "member.changed": {
    says: "A member's role was changed. `before` is the role they had.",
    data: z.strictObject({ user: UserId, role: Role, before: Role, revokedKeys: z.int() }),
  },
  "member.removed": {
    says: "A member left or was removed. `revokedKeys` is how many keys were theirs.",
    data: z.strictObject({ user: UserId, before: Role, revokedKeys: z.int() }),
  },
  "login.changed": {
    says: "The company login was set, changed or removed, or what proves its domains was.",
    data: z.strictObject({
      change: z.enum(["created", "changed", "deleted", "domain_proven", "domain_withdrawn"]),
      login: LoginId.optional(),
      domain: z.string().optional(),
    }),
  },
  "budget.reached": {
    says: "A share of a month's budget is spent; once a month each.",
    data: z.strictObject({
      budget: BudgetId,
      project: ProjectId.nullable(),
      key: KeyId.nullable(),
      month: z.string().regex(/^\d{4}-\d{2}$/),
      sharePercent: z.int(),
      amountMicros: z.int(),
      spentMicros: z.int(),
      isStop: z.boolean(),
    }),
  },
  "limit.reached": {
    says: "Calls were refused by a limit; once for each window of the org's, its projects' and its keys'.",
    data: z.strictObject({
      window: Window.describe("The limit's name, as the org names its limits."),
      of: z.enum(["org", "project", "key"]).describe("Whose limit it is."),
      key: KeyId.describe("The key of the first call that was refused."),
      limit: z.int(),
      from: Moment.describe("When the window began that no second event tells of."),
      resetAt: Moment,
    }),
  },
  "webhook.disabled": {
    says: "A webhook was switched off, since every try has failed for 72 hours. The org's other webhooks hear of it.",
    data: z.strictObject({ webhook: WebhookId, url: z.string(), failingSince: Moment }),
  },
  "webhook.test": {
    says: "Somebody asked for a test. Only the webhook that is tested gets it.",
    data: z.strictObject({ webhook: WebhookId }),
  },
} as const satisfies Record<string, { says: string; data: z.ZodObject }>;

/** The type of an event that this gateway writes. */
export type EventType = keyof typeof table;

/** What an event of a type tells. */
export type EventFacts<Type extends EventType> = z.infer<(typeof table)[Type]["data"]>;

/** What is to be told: a type, and what belongs to it. */
export type EventDraft = { [Type in EventType]: { type: Type; body: EventFacts<Type> } }[EventType];

/** The table, for docs and tests. */
export const eventTypes: Readonly<Record<EventType, { says: string; data: z.ZodObject }>> = table;

/** A type that a webhook may listen for: all but the test, which nobody needs to ask for. */
export const ListenedType = z.enum(Object.keys(table).filter((type) => type !== "webhook.test"));
