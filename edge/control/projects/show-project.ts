import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { showVersion } from "../http/writes/versions.ts";
import { OrgProject, ProjectPath, toProject } from "./project.ts";
import { findProject } from "./queries.ts";

/** Shows one project of an org. */
export const showProject = defineEndpoint(
  "projects.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/projects/{project}",
    operationId: "showProject",
    tags: ["projects"],
    summary: "Show a project",
    request: { params: ProjectPath },
    responses: { 200: describeJsonAnswer("The project.", OrgProject), default: refusalAnswer },
  }),
  async (c) => {
    const row = await findProject(c.var.control.db, c.var.org.id, c.req.valid("param").project);
    if (!row) throw new Refusal("not_found");
    return c.json(toProject(showVersion(c, row)), 200);
  },
);
