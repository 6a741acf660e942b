import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { showVersion } from "../http/writes/versions.ts";
import { Key, KeyPath, readOwner, toKey } from "./key.ts";
import { findKey } from "./queries.ts";

/** Shows one key of an org. */
export const showKey = defineEndpoint(
  "keys.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/keys/{key}",
    operationId: "showKey",
    tags: ["keys"],
    summary: "Show a key",
    request: { params: KeyPath },
    responses: { 200: describeJsonAnswer("The key.", Key), default: refusalAnswer },
  }),
  async (c) => {
    const row = await findKey(c.var.control.db, c.var.org.id, c.req.valid("param").key, readOwner(c));
    if (!row) throw new Refusal("not_found");
    return c.json(toKey(showVersion(c, row), c.var.visit.now()), 200);
  },
);
