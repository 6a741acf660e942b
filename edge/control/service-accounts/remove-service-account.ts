import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ServiceAccountId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { winRace } from "../audit/races.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishKeys } from "../publishing/publish.ts";
import { endKeys, planEnding, selectEnded } from "../owners/queries.ts";
import { findServiceAccount, removeServiceAccountRow, ServiceAccountRow } from "./queries.ts";
import { ServiceAccount, ServiceAccountPath, toServiceAccount } from "./service-account.ts";

/**
 * Removes a service account, and takes its keys out of force: once it has answered, none of them works. Refused with
 * 503, it heals by repeating.
 */
export const removeServiceAccount = defineEndpoint(
  "serviceAccounts.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/service-accounts/{serviceAccount}",
    operationId: "removeServiceAccount",
    tags: ["projects"],
    summary: "Remove a service account, and revoke its keys",
    request: { params: ServiceAccountPath, body: noBody },
    responses: { 200: describeJsonAnswer("The service account, removed.", ServiceAccount), default: refusalAnswer },
  }),
  async (c) => {
    const row = await endServiceAccount(c, c.req.valid("param").serviceAccount);
    return c.json(toServiceAccount(row), 200);
  },
);

/** Removes a service account and publishes that its keys are revoked. */
export async function endServiceAccount(c: Context<ControlEnv>, id: ServiceAccountId): Promise<ServiceAccountRow> {
  const { control, org, visit } = c.var;
  const row = await commitRemoval(c, id);
  await publishKeys(c, await selectEnded(control.db, { org: org.id, owner: row.id }, visit.now()));
  return row;
}

/** Removes it with its keys as one audited change; one that is removed already stays as it is. */
async function commitRemoval(c: Context<ControlEnv>, id: ServiceAccountId): Promise<ServiceAccountRow> {
  const { control, visit } = c.var;
  const org = c.var.org.id;
  return winRace("a service account", async () => {
    const known = await findServiceAccount(control.db, org, id);
    if (!known) throw new Refusal("not_found");
    if (known.removed_at_ms !== null) return known;
    const ending = await planEnding(control.db, { org, owner: id, onlyAdmin: false });
    const nowMs = visit.now();
    const [row] = await commitChange(c, {
      org,
      action: "service_account.removed",
      target: id,
      before: { name: known.name },
      after: { revokedKeys: ending.ids },
      change: removeServiceAccountRow(control.db, id, ending, nowMs),
      also: (mark) => [endKeys(control.db, ending, nowMs, mark)],
    });
    return ServiceAccountRow.optional().parse(row);
  });
}
