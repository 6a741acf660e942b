import { createRoute, z } from "@hono/zod-openapi";
import { ProjectId, ServiceAccountId, UserId } from "../../agreements/tokens/ids.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { Key, readOwner, toKey } from "./key.ts";
import { selectKeys } from "./queries.ts";

const Query = z.strictObject({
  ...pageFields,
  owner: UserId.or(ServiceAccountId)
    .optional()
    .openapi({ type: "string", description: "A person or service account." }),
  project: ProjectId.optional(),
});

const Answer = z.strictObject({ keys: z.array(Key), nextCursor: z.string().nullable() }).openapi("KeyList");

/** Lists an org's keys, newest first, the revoked and expired ones too; who reaches only their own gets no others. */
export const listKeys = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/keys",
    operationId: "listKeys",
    tags: ["keys"],
    summary: "List keys",
    request: { params: OrgPath, query: Query },
    responses: { 200: describeJsonAnswer("A page of keys.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart, owner, project } = c.req.valid("query");
    const filter = { owner: readOwner(c) ?? owner, project };
    const rows = await selectKeys(control.db, org.id, { cursor, limit: limit + 1 }, filter);
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ keys: page.rows.map((row) => toKey(row, visit.now())), nextCursor: page.nextCursor }, 200);
  },
);
