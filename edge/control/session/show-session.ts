import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { Key, toKey } from "../keys/key.ts";
import { findKey } from "../keys/queries.ts";
import { Org, toOrg } from "../orgs/org.ts";
import { findOrg } from "../orgs/queries.ts";

const Answer = z.strictObject({ key: Key, org: Org }).openapi("Session");

/** Shows the key that asks, and its org. */
export const showSession = defineEndpoint(
  "session.read",
  createRoute({
    method: "get",
    path: "/whoami",
    operationId: "showSession",
    tags: ["keys"],
    summary: "Show the key that asks, and its org",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The key and its org.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { principal, control, visit } = c.var;
    const { org: home, id } = principal;
    const [key, org] = home
      ? await Promise.all([findKey(control.db, home, id), findOrg(control.db, home)])
      : [null, null];
    if (!key || !org) throw new Refusal("invalid_api_key");
    return c.json({ key: toKey(key, visit.now()), org: toOrg(org) }, 200);
  },
);
