import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { InvitationId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer, refuseUnlessMay } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { Invitation, InvitationPath, toInvitation } from "./invitation.ts";
import { findInvitation, InvitationRow, revokeInvitationRow } from "./queries.ts";

/** Takes an invitation back: its link opens nothing from then on. One that was accepted is refused with 409. */
export const revokeInvitation = defineEndpoint(
  "members.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/invitations/{invitation}",
    operationId: "revokeInvitation",
    tags: ["people"],
    summary: "Revoke an invitation",
    request: { params: InvitationPath, body: noBody },
    responses: { 200: describeJsonAnswer("The invitation, revoked.", Invitation), default: refusalAnswer },
  }),
  async (c) => {
    const row = await takeBack(c, c.req.valid("param").invitation);
    return c.json(toInvitation(row, c.var.visit.now()), 200);
  },
);

/** Takes an invitation of the org back; one that was taken back already stays as it is. */
export async function takeBack(c: Context<ControlEnv>, id: InvitationId): Promise<InvitationRow> {
  const { control, visit, org, principal } = c.var;
  const known = await findInvitation(control.db, org.id, id);
  if (!known) throw new Refusal("not_found");
  if (known.role === "owner") refuseUnlessMay(principal, "members.owner");
  const nowMs = visit.now();
  const [made] = await commitChange(c, {
    org: org.id,
    action: "invitation.revoked",
    target: known.id,
    before: { email: known.email, role: known.role },
    after: null,
    change: revokeInvitationRow(control.db, known.id, nowMs),
  });
  const row = made === undefined ? await findInvitation(control.db, org.id, known.id) : InvitationRow.parse(made);
  if (!row) throw new Refusal("not_found");
  if (row.accepted_at_ms !== null)
    throw new Refusal("conflict", { message: "This invitation was accepted: remove the member instead." });
  return row;
}
