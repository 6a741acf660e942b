import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectDomains } from "./domain-queries.ts";
import { requireLogin, toIssuer } from "./login.ts";

const Answer = z
  .strictObject({
    isReady: z.boolean().describe("The issuer answers, and a domain is proven: people can come."),
    problem: z.string().nullable().describe("What is missing, for people."),
  })
  .openapi("CompanyLoginTest");

/** Reads the issuer's metadata and keys, as signing in does, and says what is missing. It changes nothing. */
export const probeLogin = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/company-login/test",
    operationId: "testCompanyLogin",
    tags: ["people"],
    summary: "Test an org's company login",
    request: { params: OrgPath, body: noBody },
    responses: { 200: describeJsonAnswer("What came of it.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control } = c.var;
    const row = await requireLogin(c);
    const problem = await findProblem(async () => {
      if (!control.signIn) return "Nobody can sign in at this gateway: its operator has to set SESSION_KEYS.";
      await control.signIn.oidc.probe(await toIssuer(control, row));
      const domains = await selectDomains(control.db, row.org);
      return domains.some(({ proven_by: by }) => by !== null) ? null : "No domain is proven yet.";
    });
    return c.json({ isReady: problem === null, problem }, 200);
  },
);

async function findProblem(look: () => Promise<string | null>): Promise<string | null> {
  try {
    return await look();
  } catch (cause) {
    if (cause instanceof Refusal && cause.code === "bad_gateway") return cause.details.message ?? cause.message;
    throw cause;
  }
}
