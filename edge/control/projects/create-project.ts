import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { mintControlId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { projectsMax } from "../limits.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { cleanUp, publishProject } from "../publishing/publish.ts";
import { OrgPath } from "../orgs/org.ts";
import { describeProject, OrgProject, projectFields, toProject } from "./project.ts";
import { deleteProject, insertProject, ProjectRow } from "./queries.ts";

const Body = z
  .strictObject({ name: projectFields.name, limits: projectFields.limits.optional() })
  .openapi("ProjectCreate");

/** Makes a project (`makeProject`). */
export const createProject = defineEndpoint(
  "projects.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/projects",
    operationId: "createProject",
    tags: ["projects"],
    summary: "Create a project",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The project.", OrgProject), default: refusalAnswer },
  }),
  async (c) => c.json(toProject(await makeProject(c, c.req.valid("json"))), 201),
);

/** Makes a project. When it cannot be published, it is deleted again. */
export async function makeProject(
  c: Context<ControlEnv>,
  { name, limits = null }: z.infer<typeof Body>,
): Promise<ProjectRow> {
  const { visit, control } = c.var;
  const id = mintControlId("project", (bytes) => visit.random(bytes));
  const org = c.var.org.id;
  const draft = { id, org, name, limits, is_archived: 0, version: 1, created_at_ms: visit.now() };
  const entry = { org, target: id, before: null };
  const [made] = await commitChange(c, {
    ...entry,
    action: "project.created",
    after: describeProject(draft),
    change: insertProject(control.db, draft, projectsMax),
  });
  if (made === undefined)
    throw new Refusal("conflict", {
      message: `The organization has ${projectsMax} projects, as many as it may have.`,
    });
  const row = ProjectRow.parse(made);
  try {
    return await publishProject(c, row);
  } catch (cause) {
    const change = deleteProject(control.db, id);
    await cleanUp(c, () => commitChange(c, { ...entry, action: "project.withdrawn", after: null, change }));
    throw cause;
  }
}
