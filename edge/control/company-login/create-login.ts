import { createRoute, z } from "@hono/zod-openapi";
import { mintControlId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { refuseTarget } from "../webhooks/webhook.ts";
import { showVersion } from "../http/writes/versions.ts";
import { OrgPath } from "../orgs/org.ts";
import {
  CompanyLogin,
  describeLogin,
  loginFields,
  requireLoginMasters,
  sealLoginSecret,
  showCompanyLogin,
} from "./login.ts";
import { insertLogin, LoginRow } from "./queries.ts";

const Body = z
  .strictObject({
    ...loginFields,
    provesSecondFactor: loginFields.provesSecondFactor.optional(),
    defaultRole: loginFields.defaultRole.optional(),
  })
  .openapi("CompanyLoginCreate");

/**
 * Sets an org's company login. It signs nobody in before a domain of mail is proven, and then people of that domain
 * alone, into this org alone.
 */
export const createLogin = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/company-login",
    operationId: "createCompanyLogin",
    tags: ["people"],
    summary: "Set an org's company login",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The company login.", CompanyLogin), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { name, issuer, clientId, secret, provesSecondFactor = false, defaultRole = null } = c.req.valid("json");
    const masters = requireLoginMasters(control);
    await refuseTarget(c, issuer, "issuer");
    const random = (bytes: number) => visit.random(bytes);
    const id = mintControlId("login", random);
    const row = {
      id,
      org: org.id,
      name,
      issuer,
      client_id: clientId,
      secret: await sealLoginSecret(masters, id, secret, random),
      proves_second_factor: Number(provesSecondFactor),
      default_role: defaultRole,
      created_at_ms: visit.now(),
    };
    const [made] = await commitChange(c, {
      org: org.id,
      action: "login.created",
      target: id,
      before: null,
      after: describeLogin({ ...row, is_required: 0 }),
      change: insertLogin(control.db, row),
      event: { type: "login.changed", body: { login: id, change: "created" } },
    });
    if (made === undefined) throw new Refusal("conflict", { message: "The organization has a company login already." });
    return c.json(await showCompanyLogin(c, showVersion(c, LoginRow.parse(made))), 201);
  },
);
