import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { Invitation, toInvitation } from "./invitation.ts";
import { selectInvitations } from "./queries.ts";

const Answer = z
  .strictObject({ invitations: z.array(Invitation), nextCursor: z.string().nullable() })
  .openapi("InvitationList");

/** Lists an org's invitations, newest first, whatever has become of them. */
export const listInvitations = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/invitations",
    operationId: "listInvitations",
    tags: ["people"],
    summary: "List invitations",
    request: { params: OrgPath, query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of invitations.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const rows = await selectInvitations(control.db, org.id, { cursor, limit: limit + 1 });
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    const nowMs = visit.now();
    return c.json({ invitations: page.rows.map((row) => toInvitation(row, nowMs)), nextCursor: page.nextCursor }, 200);
  },
);
