import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { deleteDomainRow, findDomain, touchLogin } from "./domain-queries.ts";
import { DomainPath } from "./login.ts";
import { endLoginSessions } from "./queries.ts";

const Answer = z.strictObject({ domain: z.string(), isRemoved: z.literal(true) }).openapi("LoginDomainRemoved");

/** Gives a domain up; whoever came by the company login is signed out. The last one stays while it is required. */
export const removeDomain = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/company-login/domains/{domain}",
    operationId: "removeLoginDomain",
    tags: ["people"],
    summary: "Give up a domain of the company login",
    request: { params: DomainPath, body: noBody },
    responses: { 200: describeJsonAnswer("It is given up.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const known = await findDomain(control.db, org.id, c.req.valid("param").domain);
    if (!known) throw new Refusal("not_found");
    const rows = await commitChange(c, {
      org: org.id,
      action: "login.domain_removed",
      target: known.domain,
      before: { provenBy: known.proven_by },
      after: null,
      change: deleteDomainRow(control.db, known),
      also: (mark) => [touchLogin(control.db, org.id, mark), endLoginSessions(control.db, org.id, mark)],
    });
    if (rows.length === 0)
      throw new Refusal("conflict", { message: "The company login is required, and this is its last proven domain." });
    return c.json({ domain: known.domain, isRemoved: true as const }, 200);
  },
);
