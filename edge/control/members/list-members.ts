import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { OrgMember, toMember } from "./member.ts";
import { selectMembers } from "./queries.ts";

const Answer = z.strictObject({ members: z.array(OrgMember), nextCursor: z.string().nullable() }).openapi("MemberList");

/** Lists an org's members, the newest first. */
export const listMembers = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/members",
    operationId: "listMembers",
    tags: ["people"],
    summary: "List members",
    request: { params: OrgPath, query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of members.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const rows = await selectMembers(control.db, org.id, { cursor, limit: limit + 1 });
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.user }));
    return c.json({ members: page.rows.map(toMember), nextCursor: page.nextCursor }, 200);
  },
);
