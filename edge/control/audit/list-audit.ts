import { createRoute, z } from "@hono/zod-openapi";
import { OrgId } from "../../agreements/tokens/ids.ts";
import { parseObject } from "../../agreements/json.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, pageFields, pageRowsDefault, QueryInstant, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectAudit, type AuditRow } from "./queries.ts";

const Text = z.string().min(1).max(100).optional();
const Facts = z.looseObject({}).nullable();

const Query = z.strictObject({
  actor: Text.openapi({ description: "The id of a key or a person." }),
  action: Text.openapi({ description: "As `key.revoked`." }),
  target: Text.openapi({ description: "The id of what it was done to." }),
  from: QueryInstant.optional(),
  to: QueryInstant.optional(),
  limit: pageFields.limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, "Give `nextCursor` of the page before.")
    .transform(Number)
    .optional()
    .openapi({ type: "string", pattern: String.raw`^\d{1,15}$`, description: "`nextCursor` of the page before." }),
});

const Entry = z
  .strictObject({
    org: OrgId,
    seq: z.int().openapi({ description: "Its number in the org's log, from 1, without a gap." }),
    at: Timestamp,
    actor: z.strictObject({
      kind: z.enum(["key", "member", "operator", "house"]),
      id: z.string(),
      name: z.string(),
      ip: z.string().nullable(),
    }),
    action: z.string(),
    target: z.string(),
    before: Facts.openapi({ description: "What it was, as far as it has changed." }),
    after: Facts.openapi({ description: "What it has become." }),
    requestId: z.string().nullable(),
    hash: z.string().openapi({ description: "Chains it to the entry before; the export has all that it is made of." }),
  })
  .openapi("AuditEntry");

const Answer = z.strictObject({ entries: z.array(Entry), nextCursor: z.string().nullable() }).openapi("AuditList");

/** Lists what was done to an org, newest first: by whom, to what, and what that was before. `from` is included. */
export const listAudit = defineEndpoint(
  "audit.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/audit",
    operationId: "listAudit",
    tags: ["audit"],
    summary: "List what was done to an org",
    request: { params: OrgPath, query: Query },
    responses: { 200: describeJsonAnswer("A page of entries.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { limit = pageRowsDefault, cursor = Number.MAX_SAFE_INTEGER, from, to, ...given } = c.req.valid("query");
    const filter = { org: org.id, ...given, fromMs: from, toMs: to };
    const rows = await selectAudit(control.db, filter, cursor, limit + 1);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = rows.length > limit && last ? String(last.seq) : null;
    return c.json({ entries: page.map(showEntry), nextCursor }, 200);
  },
);

function showEntry(row: AuditRow): z.infer<typeof Entry> {
  const { org, seq, action, target, hash } = row;
  return {
    org,
    seq,
    at: formatIso(row.at_ms),
    actor: { kind: row.actor_kind, id: row.actor, name: row.actor_name, ip: row.actor_ip },
    action,
    target,
    before: row.before === null ? null : parseObject(row.before),
    after: row.after === null ? null : parseObject(row.after),
    requestId: row.request,
    hash,
  };
}
