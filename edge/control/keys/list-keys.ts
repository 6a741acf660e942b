import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { Key, readOwner, toKey } from "./key.ts";
import { selectKeys } from "./queries.ts";

const Answer = z.strictObject({ keys: z.array(Key), nextCursor: z.string().nullable() }).openapi("KeyList");

/** Lists an org's keys, newest first, the revoked and expired ones too. */
export const listKeys = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/keys",
    operationId: "listKeys",
    tags: ["keys"],
    summary: "List keys",
    request: { params: OrgPath, query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of keys.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const rows = await selectKeys(control.db, org.id, { cursor, limit: limit + 1 }, { owner: readOwner(c) });
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ keys: page.rows.map((row) => toKey(row, visit.now())), nextCursor: page.nextCursor }, 200);
  },
);
