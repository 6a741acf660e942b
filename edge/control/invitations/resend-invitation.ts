import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { invitationMs, invitationSendMs, invitationSendsMax } from "../limits.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer, refuseUnlessMay } from "../http/endpoint.ts";
import { InvitationPath, MailedInvitation, toMailed } from "./invitation.ts";
import { mailInvitation, mintToken, readMailRoom, refuseMail } from "./mail-invitation.ts";
import { findInvitation, InvitationRow, renewInvitation } from "./queries.ts";

/**
 * Mails an invitation again, with another link and a full term: the link before is void. Once a minute, five times in
 * all. One that was accepted or revoked is refused with 409.
 */
export const resendInvitation = defineEndpoint(
  "members.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/invitations/{invitation}/resend",
    operationId: "resendInvitation",
    tags: ["people"],
    summary: "Send an invitation again",
    request: { params: InvitationPath, body: noBody },
    responses: {
      200: describeJsonAnswer("The invitation, and whether its mail went out.", MailedInvitation),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, visit, org, principal } = c.var;
    const known = await findInvitation(control.db, org.id, c.req.valid("param").invitation);
    if (!known) throw new Refusal("not_found");
    if (known.role === "owner") refuseUnlessMay(principal, "members.owner");
    const nowMs = visit.now();
    refuseResend(known, nowMs);
    const { token, digest } = mintToken(c);
    const to = { digest, expiresAtMs: nowMs + invitationMs, nowMs };
    const room = { ...readMailRoom(nowMs), sendsMax: invitationSendsMax, beforeMs: nowMs - invitationSendMs };
    const [made] = await commitChange(c, {
      org: org.id,
      action: "invitation.resent",
      target: known.id,
      before: { expiresAtMs: known.expires_at_ms },
      after: { expiresAtMs: to.expiresAtMs },
      change: renewInvitation(control.db, known, to, room),
    });
    if (made === undefined) {
      const now = await findInvitation(control.db, org.id, known.id);
      if (now) refuseResend(now, nowMs);
      throw refuseMail();
    }
    const row = InvitationRow.parse(made);
    return c.json(toMailed(row, nowMs, await mailInvitation(c, row, token)), 200);
  },
);

function refuseResend(row: InvitationRow, nowMs: number): void {
  if (row.accepted_at_ms !== null || row.revoked_at_ms !== null)
    throw new Refusal("conflict", { message: "This invitation was accepted or revoked." });
  if (row.sends >= invitationSendsMax)
    throw new Refusal("conflict", {
      message: `This invitation was mailed ${invitationSendsMax} times. Revoke it, and make another.`,
    });
  const waitMs = (row.sent_at_ms ?? 0) + invitationSendMs - nowMs;
  if (waitMs > 0)
    throw new Refusal("rate_limit_exceeded", { message: "It was mailed a moment ago.", retryAfterMs: waitMs });
}
