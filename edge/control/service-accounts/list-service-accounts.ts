import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectServiceAccounts } from "./queries.ts";
import { ServiceAccount, toServiceAccount } from "./service-account.ts";

const Answer = z
  .strictObject({ serviceAccounts: z.array(ServiceAccount), nextCursor: z.string().nullable() })
  .openapi("ServiceAccountList");

/** Lists an org's service accounts, newest first, the removed ones too: bills and logs still name them. */
export const listServiceAccounts = defineEndpoint(
  "serviceAccounts.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/service-accounts",
    operationId: "listServiceAccounts",
    tags: ["projects"],
    summary: "List service accounts",
    request: { params: OrgPath, query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of service accounts.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const rows = await selectServiceAccounts(control.db, org.id, { cursor, limit: limit + 1 });
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ serviceAccounts: page.rows.map(toServiceAccount), nextCursor: page.nextCursor }, 200);
  },
);
