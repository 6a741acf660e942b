import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { setProject } from "../../projects/change-project.ts";
import { afterFields, describeList, refuseAfter, showList } from "../lists.ts";
import { OpenAiProjectPath } from "./project.ts";
import { requireProject } from "./projects.ts";
import {
  OpenAiRateLimit,
  OpenAiRateLimitUpdate,
  rateLimitId,
  readRateLimits,
  toOpenAiRateLimit,
} from "./rate-limit.ts";

const tags = ["openai-admin"];

/** Lists a project's rate limits: one, for all its models together. */
export const openAiListRateLimits = defineEndpoint(
  "projects.read",
  createRoute({
    method: "get",
    path: "/projects/{project}/rate_limits",
    operationId: "openaiListRateLimits",
    tags,
    summary: "List a project's rate limits, in OpenAI's form",
    request: { params: OpenAiProjectPath, query: z.strictObject(afterFields) },
    responses: {
      200: describeJsonAnswer("The rate limit.", describeList(OpenAiRateLimit, "OpenAiRateLimitList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { limits } = await requireProject(c, c.req.valid("param").project);
    const { after } = c.req.valid("query");
    if (after !== undefined && after !== rateLimitId) throw refuseAfter();
    const all = [toOpenAiRateLimit(limits, c.var.org.limits)];
    return c.json(showList(after === undefined ? all : [], false), 200);
  },
);

/** Sets windows of a project: in force for the next call once it has answered. */
export const openAiUpdateRateLimit = defineEndpoint(
  "projects.write",
  createRoute({
    method: "post",
    path: "/projects/{project}/rate_limits/{rateLimit}",
    operationId: "openaiUpdateRateLimit",
    tags,
    summary: "Set a project's rate limits, in OpenAI's form",
    request: {
      params: OpenAiProjectPath.extend({ rateLimit: z.string() }),
      body: describeJsonBody(OpenAiRateLimitUpdate),
    },
    responses: { 200: describeJsonAnswer("The rate limit.", OpenAiRateLimit), default: refusalAnswer },
  }),
  async (c) => {
    const { project, rateLimit } = c.req.valid("param");
    if (rateLimit !== rateLimitId) throw new Refusal("not_found");
    const { limits } = await setProject(c, project, { limits: readRateLimits(c.req.valid("json")) });
    return c.json(toOpenAiRateLimit(limits, c.var.org.limits), 200);
  },
);
