import { createRoute, z } from "@hono/zod-openapi";
import { parseObject } from "../../agreements/json.ts";
import { EventId, OrgId } from "../../agreements/tokens/ids.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, formatIso, listStart, pageFields, pageRowsDefault, QueryInstant, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectEvents, type EventRow } from "./queries.ts";

const Query = z.strictObject({
  type: z.string().min(1).max(100).optional().openapi({ description: "As `key.revoked`." }),
  from: QueryInstant.optional(),
  to: QueryInstant.optional(),
  ...pageFields,
});

const Event = z
  .strictObject({
    id: EventId,
    org: OrgId,
    type: z.string(),
    at: Timestamp,
    data: z.looseObject({}).openapi({ description: "What it tells; docs/webhooks.md has the shape of each type." }),
  })
  .openapi("Event");

const Answer = z.strictObject({ events: z.array(Event), nextCursor: z.string().nullable() }).openapi("EventList");

/** Lists what happened in an org, newest first, whether a webhook listened or not. `from` is included. */
export const listEvents = defineEndpoint(
  "webhooks.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/events",
    operationId: "listEvents",
    tags: ["events"],
    summary: "List an org's events",
    request: { params: OrgPath, query: Query },
    responses: { 200: describeJsonAnswer("A page of events.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart, type, from, to } = c.req.valid("query");
    const filter = { org: org.id, type, fromMs: from, toMs: to };
    const rows = await selectEvents(control.db, filter, cursor, limit + 1);
    const page = cutPage(rows, limit, (row) => ({ ms: row.at_ms, id: row.id }));
    return c.json({ events: page.rows.map(showEvent), nextCursor: page.nextCursor }, 200);
  },
);

function showEvent({ id, org, type, at_ms, body }: EventRow): z.infer<typeof Event> {
  return { id, org, type, at: formatIso(at_ms), data: parseObject(body) ?? {} };
}
