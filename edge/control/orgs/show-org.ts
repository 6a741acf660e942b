import { createRoute } from "@hono/zod-openapi";
import { endpoint, jsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { Org, OrgPath, toOrg } from "./org.ts";

/** Shows one org. */
export const showOrg = endpoint(
  createRoute({
    method: "get",
    path: "/orgs/{org}",
    operationId: "showOrg",
    tags: ["orgs"],
    summary: "Show an org",
    request: { params: OrgPath },
    responses: { 200: jsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  (c) => c.json(toOrg(c.var.org), 200),
);
