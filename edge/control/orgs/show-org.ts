import { createRoute } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { showVersion } from "../http/writes/versions.ts";
import { Org, OrgPath, toOrg } from "./org.ts";

/** Shows one org. */
export const showOrg = defineEndpoint(
  "org.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}",
    operationId: "showOrg",
    tags: ["orgs"],
    summary: "Show an org",
    request: { params: OrgPath },
    responses: { 200: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  (c) => c.json(toOrg(showVersion(c, c.var.org)), 200),
);
