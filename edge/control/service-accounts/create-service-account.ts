import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { mintControlId, ProjectId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { serviceAccountsMax } from "../limits.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Name } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import { OrgPath } from "../orgs/org.ts";
import { refuseProject } from "../owners/check-owner.ts";
import { insertServiceAccount, ServiceAccountRow } from "./queries.ts";
import { ServiceAccount, toServiceAccount } from "./service-account.ts";

const Body = z
  .strictObject({
    name: Name,
    project: ProjectId.nullish().describe(
      "The project that it belongs to, whose its keys are unless they say otherwise.",
    ),
  })
  .openapi("ServiceAccountCreate");

/** Makes a service account: a program that keys can be made for, so that they outlive whoever made them. */
export const createServiceAccount = defineEndpoint(
  "serviceAccounts.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/service-accounts",
    operationId: "createServiceAccount",
    tags: ["projects"],
    summary: "Create a service account",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The service account.", ServiceAccount), default: refusalAnswer },
  }),
  async (c) => c.json(toServiceAccount(await makeServiceAccount(c, c.req.valid("json"))), 201),
);

/** Makes a service account; refused with 409 where the org has as many as it may. */
export async function makeServiceAccount(
  c: Context<ControlEnv>,
  { name, project = null }: z.infer<typeof Body>,
): Promise<ServiceAccountRow> {
  const { visit, control } = c.var;
  await refuseProject(c, project);
  const org = c.var.org.id;
  const id = mintControlId("serviceAccount", (bytes) => visit.random(bytes));
  const [made] = await commitChange(c, {
    org,
    action: "service_account.created",
    target: id,
    before: null,
    after: { name, project },
    change: insertServiceAccount(
      control.db,
      { id, org, project, name, created_at_ms: visit.now() },
      serviceAccountsMax,
    ),
  });
  if (made !== undefined) return ServiceAccountRow.parse(made);
  await refuseProject(c, project);
  throw new Refusal("conflict", {
    message: `The organization has ${serviceAccountsMax} service accounts, as many as it may have.`,
  });
}
