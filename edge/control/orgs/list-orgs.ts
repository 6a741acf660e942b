import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { Org, toOrg } from "./org.ts";
import { selectOrgs } from "./queries.ts";

const Answer = z.strictObject({ orgs: z.array(Org), nextCursor: z.string().nullable() }).openapi("OrgList");

/** Lists orgs, newest first: to an operator all of them, to a person those that they are in, to a key its own. */
export const listOrgs = defineEndpoint(
  "orgs.list",
  createRoute({
    method: "get",
    path: "/orgs",
    operationId: "listOrgs",
    tags: ["orgs"],
    summary: "List orgs",
    request: { query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of orgs.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { principal, control } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const { isOperator, kind, id, org } = principal;
    const mine = { member: id, org: principal.person?.onlyOrg ?? null };
    const only = isOperator ? null : kind === "member" ? mine : { org };
    const rows = await selectOrgs(control.db, only, cursor, limit + 1);
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ orgs: page.rows.map(toOrg), nextCursor: page.nextCursor }, 200);
  },
);
