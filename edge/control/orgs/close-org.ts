import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishKeys, publishOrg } from "../publishing/publish.ts";
import { closeOrgRow, endOrgKeys, selectEndedKeys } from "./close-queries.ts";
import { Org, OrgPath, toOrg } from "./org.ts";
import { findOrg, OrgRow } from "./queries.ts";

/**
 * Closes an org: it is suspended, and each of its keys is revoked for good. What it used stays on its bill and in its
 * log. An operator can resume it, without the keys. Refused with 503, it heals by repeating. The house's own org stays.
 */
export const closeOrg = defineEndpoint(
  "org.close",
  createRoute({
    method: "delete",
    path: "/orgs/{org}",
    operationId: "closeOrg",
    tags: ["orgs"],
    summary: "Close an org, and revoke its keys",
    request: { params: OrgPath, body: noBody },
    responses: { 200: describeJsonAnswer("The org, closed.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    if (org.is_operator !== 0) throw new Refusal("conflict", { message: "The house's own organization stays." });
    const row = await commitClosing(c);
    // Suspended first: that alone keeps every key out at once.
    const closed = await publishOrg(c, row);
    await publishKeys(c, await selectEndedKeys(control.db, org.id, visit.now()));
    return c.json(toOrg(closed), 200);
  },
);

async function commitClosing(c: Context<ControlEnv>): Promise<OrgRow> {
  const { control, visit } = c.var;
  const { id: org, is_suspended } = c.var.org;
  const nowMs = visit.now();
  const [made] = await commitChange(c, {
    org,
    action: "org.closed",
    target: org,
    before: { isSuspended: is_suspended !== 0, isClosed: false },
    after: { isSuspended: true, isClosed: true },
    change: closeOrgRow(control.db, org, nowMs),
    also: (mark) => [endOrgKeys(control.db, nowMs, mark)],
  });
  const row = made === undefined ? await findOrg(control.db, org) : OrgRow.parse(made);
  if (!row) throw new Refusal("not_found");
  return row;
}
