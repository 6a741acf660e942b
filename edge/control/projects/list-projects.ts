import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { OrgProject, toProject } from "./project.ts";
import { selectProjects } from "./queries.ts";

const Answer = z
  .strictObject({ projects: z.array(OrgProject), nextCursor: z.string().nullable() })
  .openapi("ProjectList");

/** Lists an org's projects, newest first, the archived ones too. */
export const listProjects = defineEndpoint(
  "projects.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/projects",
    operationId: "listProjects",
    tags: ["projects"],
    summary: "List projects",
    request: { params: OrgPath, query: z.strictObject(pageFields) },
    responses: { 200: describeJsonAnswer("A page of projects.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const rows = await selectProjects(control.db, org.id, { cursor, limit: limit + 1 });
    const page = cutPage(rows, limit, (row) => ({ ms: row.created_at_ms, id: row.id }));
    return c.json({ projects: page.rows.map(toProject), nextCursor: page.nextCursor }, 200);
  },
);
