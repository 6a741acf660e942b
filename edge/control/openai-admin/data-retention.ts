import { createRoute, z } from "@hono/zod-openapi";
import { responseHoursMax } from "../../agreements/stored-limits.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { setRetention } from "../orgs/retain-responses.ts";
import { OpenAiProjectPath } from "./projects/project.ts";
import { requireProject } from "./projects/projects.ts";

const tags = ["openai-admin"];
const none = "zero_data_retention";
/** In OpenAI's words: no prompt is kept for anybody to read, but what callers store themselves is. */
const stored = "modified_abuse_monitoring";
const inherited = "organization_default" as const;

const Kept = z.enum([none, stored]);
const OrgRetention = z
  .strictObject({ object: z.literal("organization.data_retention"), type: Kept })
  .openapi("OpenAiDataRetention");
const ProjectRetention = z
  .strictObject({ object: z.literal("project.data_retention"), type: z.literal(inherited) })
  .openapi("OpenAiProjectDataRetention");
const responses = { 200: describeJsonAnswer("What is kept.", OrgRetention), default: refusalAnswer };
const projectResponses = { 200: describeJsonAnswer("What is kept.", ProjectRetention), default: refusalAnswer };

/** What is kept of an org's calls: `zero_data_retention` where no responses are stored. */
function showRetention(hours: number | null): z.infer<typeof OrgRetention> {
  return { object: "organization.data_retention", type: hours === null ? none : stored };
}

/** Shows whether responses are stored. */
export const openAiShowRetention = defineEndpoint(
  "org.read",
  createRoute({
    method: "get",
    path: "/data_retention",
    operationId: "openaiRetrieveDataRetention",
    tags,
    summary: "Show what is kept of calls, in OpenAI's form",
    responses,
  }),
  (c) => c.json(showRetention(c.var.org.response_hours), 200),
);

/** Sets whether responses are stored: for as long as they are already, or for 30 days; none deletes those there are. */
export const openAiUpdateRetention = defineEndpoint(
  "org.change",
  createRoute({
    method: "post",
    path: "/data_retention",
    operationId: "openaiUpdateDataRetention",
    tags,
    summary: "Set what is kept of calls, in OpenAI's form",
    request: {
      body: describeJsonBody(z.strictObject({ retention_type: Kept }).openapi("OpenAiDataRetentionUpdate")),
    },
    responses,
  }),
  async (c) => {
    const isNone = c.req.valid("json").retention_type === none;
    const { response_hours } = await setRetention(c, isNone ? null : (c.var.org.response_hours ?? responseHoursMax));
    return c.json(showRetention(response_hours), 200);
  },
);

/** Shows that a project keeps what its org does. */
export const openAiShowProjectRetention = defineEndpoint(
  "projects.read",
  createRoute({
    method: "get",
    path: "/projects/{project}/data_retention",
    operationId: "openaiRetrieveProjectDataRetention",
    tags,
    summary: "Show what is kept of a project's calls, in OpenAI's form",
    request: { params: OpenAiProjectPath },
    responses: projectResponses,
  }),
  async (c) => {
    await requireProject(c, c.req.valid("param").project);
    return c.json({ object: "project.data_retention" as const, type: inherited }, 200);
  },
);

/** Takes what is so already: a project keeps what its org does. */
export const openAiUpdateProjectRetention = defineEndpoint(
  "projects.write",
  createRoute({
    method: "post",
    path: "/projects/{project}/data_retention",
    operationId: "openaiUpdateProjectDataRetention",
    tags,
    summary: "Leave it to the org what is kept of a project's calls, in OpenAI's form",
    request: {
      params: OpenAiProjectPath,
      body: describeJsonBody(
        z.strictObject({ retention_type: z.literal(inherited) }).openapi("OpenAiProjectDataRetentionUpdate"),
      ),
    },
    responses: projectResponses,
  }),
  async (c) => {
    await requireProject(c, c.req.valid("param").project);
    return c.json({ object: "project.data_retention" as const, type: inherited }, 200);
  },
);
