import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import type { ControlEnv } from "../../http/port.ts";
import { setKey } from "../../keys/change-key.ts";
import { readOwner } from "../../keys/key.ts";
import { findKey, selectKeys, type KeyRow } from "../../keys/queries.ts";
import { endKeyNow } from "../../keys/revoke-key.ts";
import { ExpiresIn, readExpiry } from "../fields.ts";
import { afterFields, describeList, readPage, showList } from "../lists.ts";
import { OpenAiProjectPath } from "../projects/project.ts";
import { requireProject } from "../projects/projects.ts";
import { findOwners } from "./owner.ts";
import {
  findProjectKey,
  OpenAiProjectKey,
  OpenAiProjectKeyDeleted,
  OpenAiProjectKeyPath,
  requireKey,
  toOpenAiProjectKey,
} from "./project-key.ts";

const tags = ["openai-admin"];
const path = "/projects/{project}/api_keys/{key}";
const responses = { 200: describeJsonAnswer("The key.", OpenAiProjectKey), default: refusalAnswer };
const Query = z.strictObject({
  ...afterFields,
  owner_project_access: z.enum(["active", "inactive", "any"]).optional(),
});
const Update = z.strictObject({ expires_in_seconds: ExpiresIn.nonoptional() }).openapi("OpenAiProjectApiKeyUpdate");

async function show(c: Context<ControlEnv>, row: KeyRow) {
  return toOpenAiProjectKey(row, await findOwners(c, [row]));
}

/** Lists a project's keys, newest first, but for the revoked ones. */
export const openAiListProjectKeys = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path: "/projects/{project}/api_keys",
    operationId: "openaiListProjectApiKeys",
    tags,
    summary: "List a project's keys, in OpenAI's form",
    request: { params: OpenAiProjectPath, query: Query },
    responses: {
      200: describeJsonAnswer("A page of keys.", describeList(OpenAiProjectKey, "OpenAiProjectApiKeyList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { id: project } = await requireProject(c, c.req.valid("param").project);
    const { owner_project_access: access, ...query } = c.req.valid("query");
    if (access === "inactive") return c.json(showList([], false), 200);
    const filter = { owner: readOwner(c), project, onlyKept: true };
    const { rows, hasMore } = await readPage(
      query,
      (id) => findKey(control.db, org.id, id, readOwner(c)),
      (page) => selectKeys(control.db, org.id, page, filter),
    );
    const owners = await findOwners(c, rows);
    return c.json(
      showList(
        rows.map((row) => toOpenAiProjectKey(row, owners)),
        hasMore,
      ),
      200,
    );
  },
);

/** Shows a project's key; never its text. */
export const openAiShowProjectKey = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path,
    operationId: "openaiRetrieveProjectApiKey",
    tags,
    summary: "Show a project's key, in OpenAI's form",
    request: { params: OpenAiProjectKeyPath },
    responses,
  }),
  async (c) => c.json(await show(c, await requireKey(c, c.req.valid("param"))), 200),
);

/** Sets when a project's key ends, reckoned from now; `null` is never. */
export const openAiUpdateProjectKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "post",
    path,
    operationId: "openaiUpdateProjectApiKey",
    tags,
    summary: "Set when a project's key ends, in OpenAI's form",
    request: { params: OpenAiProjectKeyPath, body: describeJsonBody(Update) },
    responses,
  }),
  async (c) => {
    const { id } = await requireKey(c, c.req.valid("param"));
    const expiresAt = readExpiry(c.req.valid("json").expires_in_seconds, c.var.visit.now());
    return c.json(await show(c, await setKey(c, id, { expiresAt })), 200);
  },
);

/** Revokes a project's key: once it has answered, the next call is refused. */
export const openAiDeleteProjectKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "delete",
    path,
    operationId: "openaiDeleteProjectApiKey",
    tags,
    summary: "Revoke a project's key, in OpenAI's form",
    request: { params: OpenAiProjectKeyPath, body: noBody },
    responses: { 200: describeJsonAnswer("It is revoked.", OpenAiProjectKeyDeleted), default: refusalAnswer },
  }),
  async (c) => {
    // Of one that is revoked it publishes that again: so a delete that got a 503 heals by repeating.
    const { id } = await endKeyNow(c, (await findProjectKey(c, c.req.valid("param"))).id);
    return c.json({ object: "organization.project.api_key.deleted" as const, id, deleted: true as const }, 200);
  },
);
