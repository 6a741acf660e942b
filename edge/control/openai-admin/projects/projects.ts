import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ProjectId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { Name } from "../../http/fields.ts";
import type { ControlEnv } from "../../http/port.ts";
import { setProject } from "../../projects/change-project.ts";
import { makeProject } from "../../projects/create-project.ts";
import { findProject, selectProjects, type ProjectRow } from "../../projects/queries.ts";
import { Nothing } from "../fields.ts";
import { afterFields, describeList, readPage, showList } from "../lists.ts";
import { OpenAiProject, OpenAiProjectPath, toOpenAiProject } from "./project.ts";

const tags = ["openai-admin"];
const responses = { 200: describeJsonAnswer("The project.", OpenAiProject), default: refusalAnswer };
const absent = { external_key_id: Nothing, geography: Nothing };
const Create = z.strictObject({ name: Name, ...absent, residency: Nothing }).openapi("OpenAiProjectCreate");
const Update = z.strictObject({ name: Name, ...absent }).openapi("OpenAiProjectUpdate");
const Query = z.strictObject({ ...afterFields, include_archived: z.enum(["true", "false"]).optional() });

/** The project of the path, archived or not; the 404 of a missing one for any other. */
export async function requireProject(c: Context<ControlEnv>, id: ProjectId): Promise<ProjectRow> {
  const row = await findProject(c.var.control.db, c.var.org.id, id);
  if (!row) throw new Refusal("not_found");
  return row;
}

/** Makes a project. */
export const openAiCreateProject = defineEndpoint(
  "projects.write",
  createRoute({
    method: "post",
    path: "/projects",
    operationId: "openaiCreateProject",
    tags,
    summary: "Create a project, in OpenAI's form",
    request: { body: describeJsonBody(Create) },
    responses,
  }),
  async (c) => c.json(toOpenAiProject(await makeProject(c, { name: c.req.valid("json").name })), 200),
);

/** Lists projects, newest first. */
export const openAiListProjects = defineEndpoint(
  "projects.read",
  createRoute({
    method: "get",
    path: "/projects",
    operationId: "openaiListProjects",
    tags,
    summary: "List projects, in OpenAI's form",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("A page of projects.", describeList(OpenAiProject, "OpenAiProjectList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { include_archived, ...query } = c.req.valid("query");
    const onlyOpen = include_archived !== "true";
    const { rows, hasMore } = await readPage(
      query,
      (id) => findProject(control.db, org.id, id),
      (page) => selectProjects(control.db, org.id, { ...page, onlyOpen }),
    );
    return c.json(showList(rows.map(toOpenAiProject), hasMore), 200);
  },
);

/** Shows a project. */
export const openAiShowProject = defineEndpoint(
  "projects.read",
  createRoute({
    method: "get",
    path: "/projects/{project}",
    operationId: "openaiRetrieveProject",
    tags,
    summary: "Show a project, in OpenAI's form",
    request: { params: OpenAiProjectPath },
    responses,
  }),
  async (c) => c.json(toOpenAiProject(await requireProject(c, c.req.valid("param").project)), 200),
);

/** Renames a project. */
export const openAiUpdateProject = defineEndpoint(
  "projects.write",
  createRoute({
    method: "post",
    path: "/projects/{project}",
    operationId: "openaiUpdateProject",
    tags,
    summary: "Rename a project, in OpenAI's form",
    request: { params: OpenAiProjectPath, body: describeJsonBody(Update) },
    responses,
  }),
  async (c) => {
    const { name } = c.req.valid("json");
    return c.json(toOpenAiProject(await setProject(c, c.req.valid("param").project, { name })), 200);
  },
);

/** Archives a project: its keys are refused, and it takes no others. `/control` brings it back. */
export const openAiArchiveProject = defineEndpoint(
  "projects.write",
  createRoute({
    method: "post",
    path: "/projects/{project}/archive",
    operationId: "openaiArchiveProject",
    tags,
    summary: "Archive a project, in OpenAI's form",
    request: { params: OpenAiProjectPath, body: noBody },
    responses,
  }),
  async (c) => c.json(toOpenAiProject(await setProject(c, c.req.valid("param").project, { isArchived: true })), 200),
);
