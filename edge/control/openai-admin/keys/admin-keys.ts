import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { Name } from "../../http/fields.ts";
import type { ControlEnv } from "../../http/port.ts";
import { makeKey } from "../../keys/create-key.ts";
import { readOwner } from "../../keys/key.ts";
import { findKey, selectKeys, type KeyRow } from "../../keys/queries.ts";
import { endKeyNow } from "../../keys/revoke-key.ts";
import { ExpiresIn, readExpiry } from "../fields.ts";
import { afterFields, describeList, readPage, showList } from "../lists.ts";
import { OpenAiAdminKey, OpenAiAdminKeyDeleted, OpenAiAdminKeyMade, toOpenAiAdminKey } from "./admin-key.ts";
import { findOwners } from "./owner.ts";

const tags = ["openai-admin"];
const path = "/admin_api_keys/{key}";
const KeyPath = z.object({ key: KeyId });
const Query = z.strictObject({ ...afterFields, order: z.literal("desc").optional() });
const Create = z.strictObject({ name: Name, expires_in_seconds: ExpiresIn }).openapi("OpenAiAdminApiKeyCreate");

async function findAdminKey(c: Context<ControlEnv>, id: string): Promise<KeyRow | null> {
  const row = await findKey(c.var.control.db, c.var.org.id, id, readOwner(c));
  return row?.kind === "admin" ? row : null;
}

/** Makes an admin key, for whom our own API lets make one: people in charge, and operators, not another admin key. */
export const openAiCreateAdminKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "post",
    path: "/admin_api_keys",
    operationId: "openaiCreateAdminApiKey",
    tags,
    summary: "Create an admin key, in OpenAI's form",
    request: { body: describeJsonBody(Create) },
    responses: { 200: describeJsonAnswer("The key, shown this once.", OpenAiAdminKeyMade), default: refusalAnswer },
  }),
  async (c) => {
    const { name, expires_in_seconds } = c.req.valid("json");
    const expiresAt = readExpiry(expires_in_seconds, c.var.visit.now());
    const { row, secret } = await makeKey(c, { name, kind: "admin", expiresAt });
    return c.json({ ...toOpenAiAdminKey(row, await findOwners(c, [row])), value: secret }, 200);
  },
);

/** Lists admin keys, newest first, but for the revoked ones. */
export const openAiListAdminKeys = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path: "/admin_api_keys",
    operationId: "openaiListAdminApiKeys",
    tags,
    summary: "List admin keys, in OpenAI's form",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("A page of keys.", describeList(OpenAiAdminKey, "OpenAiAdminApiKeyList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { rows, hasMore } = await readPage(
      c.req.valid("query"),
      (id) => findAdminKey(c, id),
      (page) => selectKeys(control.db, org.id, page, { owner: readOwner(c), kind: "admin", onlyKept: true }),
    );
    const owners = await findOwners(c, rows);
    return c.json(
      showList(
        rows.map((row) => toOpenAiAdminKey(row, owners)),
        hasMore,
      ),
      200,
    );
  },
);

/** Shows an admin key; never its text. */
export const openAiShowAdminKey = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path,
    operationId: "openaiRetrieveAdminApiKey",
    tags,
    summary: "Show an admin key, in OpenAI's form",
    request: { params: KeyPath },
    responses: { 200: describeJsonAnswer("The key.", OpenAiAdminKey), default: refusalAnswer },
  }),
  async (c) => {
    const row = await findAdminKey(c, c.req.valid("param").key);
    if (!row || row.revoked_at_ms !== null) throw new Refusal("not_found");
    return c.json(toOpenAiAdminKey(row, await findOwners(c, [row])), 200);
  },
);

/** Revokes an admin key: the next request with it is refused. */
export const openAiDeleteAdminKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "delete",
    path,
    operationId: "openaiDeleteAdminApiKey",
    tags,
    summary: "Revoke an admin key, in OpenAI's form",
    request: { params: KeyPath, body: noBody },
    responses: { 200: describeJsonAnswer("It is revoked.", OpenAiAdminKeyDeleted), default: refusalAnswer },
  }),
  async (c) => {
    const known = await findAdminKey(c, c.req.valid("param").key);
    if (!known) throw new Refusal("not_found");
    const { id } = await endKeyNow(c, known.id);
    return c.json({ object: "organization.admin_api_key.deleted" as const, id, deleted: true as const }, 200);
  },
);
