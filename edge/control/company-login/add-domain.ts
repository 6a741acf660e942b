import { createRoute, z } from "@hono/zod-openapi";
import { generateBase62 } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { OrgPath } from "../orgs/org.ts";
import { DomainRow, insertDomain, touchLogin } from "./domain-queries.ts";
import { LoginDomain, MailDomain, requireLogin, toDomain } from "./login.ts";

const domainsMax = 20;
const tokenChars = 32;
const Body = z.strictObject({ domain: MailDomain }).openapi("LoginDomainClaim");

/** Claims a domain of mail for the company login. It stands for nothing until it is proven. */
export const addDomain = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/company-login/domains",
    operationId: "addLoginDomain",
    tags: ["people"],
    summary: "Claim a domain of mail for the company login",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The claim, with what to publish.", LoginDomain), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { domain } = c.req.valid("json");
    await requireLogin(c);
    const token = generateBase62(tokenChars, (bytes) => visit.random(bytes));
    const draft = { org: org.id, domain, token, created_at_ms: visit.now() };
    const [row] = await commitChange(c, {
      org: org.id,
      action: "login.domain_added",
      target: domain,
      before: null,
      after: { domain },
      change: insertDomain(control.db, draft, domainsMax),
      also: (mark) => [touchLogin(control.db, org.id, mark)],
    });
    if (row === undefined) {
      const message = `The organization claims this domain already, or ${domainsMax} others, as many as it may.`;
      throw new Refusal("conflict", { message });
    }
    return c.json(toDomain(DomainRow.parse(row)), 201);
  },
);
