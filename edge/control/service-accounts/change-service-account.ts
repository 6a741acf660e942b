import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ServiceAccountId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { winRace } from "../audit/races.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Name } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import { findServiceAccount, renameAccountRow, ServiceAccountRow } from "./queries.ts";
import { ServiceAccount, ServiceAccountPath, toServiceAccount } from "./service-account.ts";

const Body = z.strictObject({ name: Name }).openapi("ServiceAccountChange");

/** Renames a service account; one that was removed is refused with 409. */
export const changeServiceAccount = defineEndpoint(
  "serviceAccounts.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/service-accounts/{serviceAccount}",
    operationId: "changeServiceAccount",
    tags: ["projects"],
    summary: "Rename a service account",
    request: { params: ServiceAccountPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The service account.", ServiceAccount), default: refusalAnswer },
  }),
  async (c) => {
    const row = await renameServiceAccount(c, c.req.valid("param").serviceAccount, c.req.valid("json").name);
    return c.json(toServiceAccount(row), 200);
  },
);

/** Renames a service account of the org as one audited change; of two at once neither is lost. */
export async function renameServiceAccount(
  c: Context<ControlEnv>,
  id: ServiceAccountId,
  name: string,
): Promise<ServiceAccountRow> {
  const { control, org } = c.var;
  return winRace("a service account", async () => {
    const known = await findServiceAccount(control.db, org.id, id);
    if (!known) throw new Refusal("not_found");
    if (known.removed_at_ms !== null) throw new Refusal("conflict", { message: "This service account was removed." });
    const [row] = await commitChange(c, {
      org: org.id,
      action: "service_account.changed",
      target: id,
      before: { name: known.name },
      after: { name },
      change: renameAccountRow(control.db, known, name),
    });
    return ServiceAccountRow.optional().parse(row);
  });
}
