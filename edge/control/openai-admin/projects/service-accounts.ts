import { createRoute, z } from "@hono/zod-openapi";
import {
  defineEndpoint,
  describeJsonAnswer,
  describeJsonBody,
  noBody,
  refusalAnswer,
  refuseUnlessMay,
} from "../../http/endpoint.ts";
import { Name } from "../../http/fields.ts";
import { cleanUp } from "../../publishing/publish.ts";
import { renameServiceAccount } from "../../service-accounts/change-service-account.ts";
import { makeServiceAccount } from "../../service-accounts/create-service-account.ts";
import { findServiceAccount, selectServiceAccounts } from "../../service-accounts/queries.ts";
import { endServiceAccount } from "../../service-accounts/remove-service-account.ts";
import { ExpiresIn } from "../fields.ts";
import { afterFields, describeList, readPage, showList } from "../lists.ts";
import { OpenAiProjectPath } from "./project.ts";
import { requireProject } from "./projects.ts";
import {
  findAccount,
  makeAccountKey,
  OpenAiServiceAccount,
  OpenAiServiceAccountDeleted,
  OpenAiServiceAccountKey,
  OpenAiServiceAccountMade,
  OpenAiServiceAccountPath,
  requireAccount,
  toOpenAiServiceAccount,
} from "./service-account.ts";

const tags = ["openai-admin"];
const path = "/projects/{project}/service_accounts/{serviceAccount}";
const Create = z
  .strictObject({
    name: Name,
    create_service_account_only: z.boolean().nullish().openapi({ description: "True makes no key with it." }),
    expires_in_seconds: ExpiresIn,
  })
  .openapi("OpenAiServiceAccountCreate");
const Update = z
  .strictObject({ name: Name, role: z.literal("member").optional() })
  .openapi("OpenAiServiceAccountUpdate");
const CreateKey = z
  .strictObject({ name: Name.optional(), expires_in_seconds: ExpiresIn })
  .openapi("OpenAiServiceAccountApiKeyCreate");

/** Makes a service account and its first key; when the key cannot be made, the account is removed again. */
export const openAiCreateServiceAccount = defineEndpoint(
  "serviceAccounts.write",
  createRoute({
    method: "post",
    path: "/projects/{project}/service_accounts",
    operationId: "openaiCreateServiceAccount",
    tags,
    summary: "Create a service account, in OpenAI's form",
    request: { params: OpenAiProjectPath, body: describeJsonBody(Create) },
    responses: {
      200: describeJsonAnswer("The service account; its key is shown this once.", OpenAiServiceAccountMade),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { name, create_service_account_only: isAlone, expires_in_seconds } = c.req.valid("json");
    const { id: project } = await requireProject(c, c.req.valid("param").project);
    if (!isAlone) refuseUnlessMay(c.var.principal, "keys.write");
    const account = await makeServiceAccount(c, { name, project });
    const shown = toOpenAiServiceAccount(account);
    if (isAlone) return c.json({ ...shown, api_key: null }, 200);
    try {
      return c.json({ ...shown, api_key: await makeAccountKey(c, account, { expires_in_seconds }) }, 200);
    } catch (cause) {
      await cleanUp(c, () => endServiceAccount(c, account.id));
      throw cause;
    }
  },
);

/** Lists a project's service accounts, newest first, but for the removed ones. */
export const openAiListServiceAccounts = defineEndpoint(
  "serviceAccounts.read",
  createRoute({
    method: "get",
    path: "/projects/{project}/service_accounts",
    operationId: "openaiListServiceAccounts",
    tags,
    summary: "List a project's service accounts, in OpenAI's form",
    request: { params: OpenAiProjectPath, query: z.strictObject(afterFields) },
    responses: {
      200: describeJsonAnswer("A page of them.", describeList(OpenAiServiceAccount, "OpenAiServiceAccountList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { id: project } = await requireProject(c, c.req.valid("param").project);
    const { rows, hasMore } = await readPage(
      c.req.valid("query"),
      (id) => findServiceAccount(control.db, org.id, id),
      (page) => selectServiceAccounts(control.db, org.id, { ...page, project }),
    );
    return c.json(showList(rows.map(toOpenAiServiceAccount), hasMore), 200);
  },
);

/** Shows a service account. */
export const openAiShowServiceAccount = defineEndpoint(
  "serviceAccounts.read",
  createRoute({
    method: "get",
    path,
    operationId: "openaiRetrieveServiceAccount",
    tags,
    summary: "Show a service account, in OpenAI's form",
    request: { params: OpenAiServiceAccountPath },
    responses: { 200: describeJsonAnswer("The service account.", OpenAiServiceAccount), default: refusalAnswer },
  }),
  async (c) => c.json(toOpenAiServiceAccount(await requireAccount(c, c.req.valid("param"))), 200),
);

/** Renames a service account. */
export const openAiUpdateServiceAccount = defineEndpoint(
  "serviceAccounts.write",
  createRoute({
    method: "post",
    path,
    operationId: "openaiUpdateServiceAccount",
    tags,
    summary: "Rename a service account, in OpenAI's form",
    request: { params: OpenAiServiceAccountPath, body: describeJsonBody(Update) },
    responses: { 200: describeJsonAnswer("The service account.", OpenAiServiceAccount), default: refusalAnswer },
  }),
  async (c) => {
    const { id } = await requireAccount(c, c.req.valid("param"));
    return c.json(toOpenAiServiceAccount(await renameServiceAccount(c, id, c.req.valid("json").name)), 200);
  },
);

/** Removes a service account, and takes its keys out of force. */
export const openAiDeleteServiceAccount = defineEndpoint(
  "serviceAccounts.write",
  createRoute({
    method: "delete",
    path,
    operationId: "openaiDeleteServiceAccount",
    tags,
    summary: "Remove a service account, in OpenAI's form",
    request: { params: OpenAiServiceAccountPath, body: noBody },
    responses: { 200: describeJsonAnswer("It is removed.", OpenAiServiceAccountDeleted), default: refusalAnswer },
  }),
  async (c) => {
    const known = await findAccount(c, c.req.valid("param"));
    const { id } = await endServiceAccount(c, known.id);
    const object = "organization.project.service_account.deleted" as const;
    return c.json({ object, id, deleted: true as const }, 200);
  },
);

/** Makes a key for a service account, in its project. */
export const openAiCreateServiceAccountKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "post",
    path: `${path}/api_keys`,
    operationId: "openaiCreateServiceAccountApiKey",
    tags,
    summary: "Create a key for a service account, in OpenAI's form",
    request: { params: OpenAiServiceAccountPath, body: describeJsonBody(CreateKey) },
    responses: {
      200: describeJsonAnswer("The key, shown this once.", OpenAiServiceAccountKey),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const account = await requireAccount(c, c.req.valid("param"));
    return c.json(await makeAccountKey(c, account, c.req.valid("json")), 200);
  },
);
