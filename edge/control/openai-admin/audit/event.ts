import { z } from "@hono/zod-openapi";
import { parseObject } from "../../../agreements/json.ts";
import type { AuditRow } from "../../audit/queries.ts";
import { Seconds, toSeconds } from "../fields.ts";

/** What OpenAI calls what was done here. What it has no word for keeps ours. */
export const eventNames: Readonly<Record<string, string>> = {
  "key.created": "api_key.created",
  "key.changed": "api_key.updated",
  "key.rotated": "api_key.updated",
  "key.revoked": "api_key.deleted",
  "key.withdrawn": "api_key.deleted",
  "key.leaked": "api_key.deleted",
  "invitation.created": "invite.sent",
  "invitation.resent": "invite.sent",
  "invitation.revoked": "invite.deleted",
  "member.added": "user.added",
  "member.role_set": "user.updated",
  "member.removed": "user.deleted",
  "member.left": "user.deleted",
  "org.changed": "organization.updated",
  "org.suspension_set": "organization.updated",
  "org.responses_retained": "organization.updated",
  "org.responses_shredded": "organization.updated",
  "project.changed": "project.updated",
  "project.withdrawn": "project.deleted",
  "service_account.changed": "service_account.updated",
  "service_account.removed": "service_account.deleted",
};

const prefix = "audit_log_";

const Actor = z
  .strictObject({
    type: z.enum(["session", "api_key"]),
    session: z.strictObject({ user: z.strictObject({ id: z.string() }), ip_address: z.string().nullable() }).optional(),
    api_key: z.strictObject({ id: z.string() }).optional(),
  })
  .openapi("OpenAiAuditActor");

/** An entry of the log as OpenAI's admin API shows it, with its details under the name of its type. */
export const OpenAiAuditLog = z
  .looseObject({
    id: z.string(),
    type: z.string().openapi({ description: "OpenAI's type, or our own action where it has none." }),
    effective_at: Seconds,
    actor: z.union([Actor, z.null()]).openapi({ description: "Null is the house itself." }),
  })
  .openapi("OpenAiAuditLog");

/** The actions here that OpenAI's types mean; a name of our own means itself. */
export function readTypes(types: readonly string[]): string[] {
  const theirs = new Set(types);
  const ours = Object.keys(eventNames).filter((action) => theirs.has(eventNames[action] ?? ""));
  return [...new Set([...ours, ...types])];
}

/** The number in its org's log of the entry that an id names; null for an id of another form. */
export function readEntry(id: string): number | null {
  const digits = /^audit_log_(\d{1,15})$/.exec(id)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** A stored entry as OpenAI's admin API shows it. */
export function toOpenAiAuditLog(row: AuditRow): z.infer<typeof OpenAiAuditLog> {
  const type = eventNames[row.action] ?? row.action;
  return {
    id: prefix + row.seq,
    type,
    effective_at: toSeconds(row.at_ms),
    actor: showActor(row),
    [type]: detail(row, type),
  };
}

function showActor({ actor, actor_kind, actor_ip }: AuditRow): z.infer<typeof Actor> | null {
  if (actor_kind === "house") return null;
  if (actor.startsWith("key_")) return { type: "api_key", api_key: { id: actor } };
  return { type: "session", session: { user: { id: actor }, ip_address: actor_ip } };
}

/** OpenAI tells of a change what was asked for, and of what is new what it is. */
function detail({ target, after }: AuditRow, type: string): Record<string, unknown> {
  const facts = after === null ? null : parseObject(after);
  if (facts === null || type.endsWith(".deleted")) return { id: target };
  return type.endsWith(".updated") ? { id: target, changes_requested: facts } : { id: target, data: facts };
}
