import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ProjectId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import { winRace } from "../audit/races.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { publishProject } from "../publishing/publish.ts";
import { describeProject, OrgProject, projectFields, ProjectPath, toProject } from "./project.ts";
import { applyProjectChange, findProject, ProjectRow, updateProject, type ProjectChange } from "./queries.ts";

const Body = z
  .strictObject({
    name: projectFields.name.optional(),
    limits: projectFields.limits.optional(),
    isArchived: z.boolean().optional().describe("Its keys are refused while it is archived, and it takes no others."),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "Nothing to change.")
  .openapi("ProjectChange", { minProperties: 1 });

/**
 * Sets a project's name and limits, archives it or brings it back. In force for the next call once it has answered;
 * refused with 503, it heals by repeating.
 */
export const changeProject = defineEndpoint(
  "projects.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/projects/{project}",
    operationId: "changeProject",
    tags: ["projects"],
    summary: "Set a project's name and limits, or archive it",
    request: { params: ProjectPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The project.", OrgProject), default: refusalAnswer },
  }),
  async (c) => {
    const row = await setProject(c, c.req.valid("param").project, c.req.valid("json"));
    return c.json(toProject(row), 200);
  },
);

/** Changes a project as one audited change, and publishes it; of two at once neither is lost. `If-Match` is obeyed. */
export async function setProject(c: Context<ControlEnv>, id: ProjectId, change: ProjectChange): Promise<ProjectRow> {
  const { control, org } = c.var;
  const expected = readIfMatch(c);
  const changed = await winRace("a project", async () => {
    const known = await findProject(control.db, org.id, id);
    if (!known) throw new Refusal("not_found");
    refuseUnlessVersion(known, expected);
    const changed = applyProjectChange(known, change);
    const facts = diffFacts(describeProject(known), describeProject(changed));
    const statement = updateProject(control.db, changed);
    const planned = { org: org.id, action: "project.changed", target: id, ...facts, change: statement };
    const [row] = await commitChange(c, planned);
    return row === undefined ? undefined : showVersion(c, ProjectRow.parse(row));
  });
  return publishProject(c, changed);
}
