import { createRoute } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { showVersion } from "../http/writes/versions.ts";
import { OrgPath } from "../orgs/org.ts";
import { CompanyLogin, requireLogin, showCompanyLogin } from "./login.ts";

/** Shows an org's company login and the domains that it claims. */
export const showLogin = defineEndpoint(
  "companyLogin.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/company-login",
    operationId: "showCompanyLogin",
    tags: ["people"],
    summary: "Show an org's company login",
    request: { params: OrgPath },
    responses: { 200: describeJsonAnswer("The company login.", CompanyLogin), default: refusalAnswer },
  }),
  async (c) => c.json(await showCompanyLogin(c, showVersion(c, await requireLogin(c))), 200),
);
