import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import {
  defineEndpoint,
  describeJsonAnswer,
  describeJsonBody,
  refusalAnswer,
  refuseUnlessMay,
} from "../http/endpoint.ts";
import { DomainRow, findDomain, setProven, touchLogin } from "./domain-queries.ts";
import { DomainPath, LoginDomain, toDomain, writeRecord } from "./login.ts";
import { isPublished, isTaken } from "./proving.ts";

const Body = z
  .strictObject({
    isApproved: z.literal(true).optional().describe("An operator's own word, without a look at the domain's DNS."),
  })
  .openapi("LoginDomainProof");

/**
 * Proves that a domain is the org's: by a text that it publishes in its DNS, or by an operator's word. Of orgs that
 * claim one domain, whose text stands there has it; while the first one's does, it keeps it (409).
 */
export const proveDomain = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/company-login/domains/{domain}/prove",
    operationId: "proveLoginDomain",
    tags: ["people"],
    summary: "Prove a domain of the company login",
    request: { params: DomainPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("It is proven.", LoginDomain), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const { isApproved = false } = c.req.valid("json");
    if (isApproved) refuseUnlessMay(c.var.principal, "companyLogin.approve");
    const known = await findDomain(control.db, org.id, c.req.valid("param").domain);
    if (!known) throw new Refusal("not_found");
    const ports = { db: control.db, webhooks: control.webhooks, visit };
    const { name, value } = writeRecord(known);
    if (!isApproved && !(await isPublished(ports, known)))
      throw new Refusal("conflict", { message: `There is no TXT record ${name} with the text ${value} yet.` });
    const isOthers = await isTaken(ports, known);
    const by = isApproved ? "operator" : "dns";
    const rows = isOthers
      ? []
      : await commitChange(c, {
          org: org.id,
          action: "login.domain_proven",
          target: known.domain,
          before: { provenBy: known.proven_by },
          after: { provenBy: by },
          change: setProven(control.db, known, by, visit.now()),
          also: (mark) => [touchLogin(control.db, org.id, mark)],
          event: { type: "login.changed", body: { domain: known.domain, change: "domain_proven" } },
        });
    if (rows.length === 0)
      throw new Refusal("conflict", { message: "Another organization has proven this domain, and still does." });
    return c.json(toDomain(DomainRow.parse(rows[0])), 200);
  },
);
