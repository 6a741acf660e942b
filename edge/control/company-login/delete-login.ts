import { createRoute, z } from "@hono/zod-openapi";
import { LoginId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { readIfMatch, refuseUnlessVersion } from "../http/writes/versions.ts";
import { OrgPath } from "../orgs/org.ts";
import { describeLogin, requireLogin } from "./login.ts";
import { deleteLoginRow, endLoginSessions, forgetSubjects } from "./queries.ts";

const Answer = z.strictObject({ id: LoginId, isDeleted: z.literal(true) }).openapi("CompanyLoginDeleted");

/** Removes an org's company login, required or not, with its domains; whoever came by it is signed out. */
export const deleteLogin = defineEndpoint(
  "companyLogin.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/company-login",
    operationId: "deleteCompanyLogin",
    tags: ["people"],
    summary: "Remove an org's company login",
    request: { params: OrgPath, body: noBody },
    responses: { 200: describeJsonAnswer("It is gone.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const known = await requireLogin(c);
    refuseUnlessVersion(known, readIfMatch(c));
    const [row] = await commitChange(c, {
      org: org.id,
      action: "login.deleted",
      target: known.id,
      before: describeLogin(known),
      after: null,
      change: deleteLoginRow(control.db, known),
      also: (mark) => [forgetSubjects(control.db, known.id, mark), endLoginSessions(control.db, org.id, mark)],
      event: { type: "login.changed", body: { login: known.id, change: "deleted" } },
    });
    if (row === undefined)
      throw new Refusal("conflict", { message: "The company login was changed at the same time." });
    return c.json({ id: known.id, isDeleted: true as const }, 200);
  },
);
