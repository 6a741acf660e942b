import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { digestHex } from "../../agreements/digest.ts";
import { OrgId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { RoleName } from "../members/member.ts";
import { findMemberRole, insertMember } from "../members/queries.ts";
import { findOrg } from "../orgs/queries.ts";
import { acceptInvitationRow, findByDigest, type InvitationRow } from "./queries.ts";

const tokenCharsMax = 100;

const Body = z
  .strictObject({ token: z.string().min(1).max(tokenCharsMax).describe("What the mailed link has behind its `#`.") })
  .openapi("InvitationAccept");

const Answer = z.strictObject({ org: OrgId, name: z.string(), role: RoleName }).openapi("InvitationAccepted");

/**
 * Makes the person who is signed in a member, by the token that was mailed to the address that they have proven. A
 * token that is unknown, used, over, taken back or mailed to another address is one and the same 404 (S15).
 */
export const acceptInvitation = defineEndpoint(
  "invitations.accept",
  createRoute({
    method: "post",
    path: "/invitations/accept",
    operationId: "acceptInvitation",
    tags: ["people"],
    summary: "Accept an invitation",
    request: { body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The org that one is in now.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, principal, visit } = c.var;
    const row = await findByDigest(control.db, digestHex(c.req.valid("json").token));
    const { person } = principal;
    if (!row || !person || row.email !== person.email.toLowerCase()) throw refuseToken();
    if (person.onlyOrg !== null && person.onlyOrg !== row.org) throw refuseToken();
    const org = await findOrg(control.db, row.org);
    if (!org) throw refuseToken();
    const nowMs = visit.now();
    const rows = await commitChange(c, {
      org: org.id,
      action: "member.added",
      target: person.user,
      before: null,
      after: { role: row.role, email: row.email, invitation: row.id, invitedBy: row.invited_by },
      change: acceptInvitationRow(control.db, row, person.user, nowMs),
      also: (mark) => [insertMember(control.db, { user: person.user, role: row.role, createdAtMs: nowMs }, mark)],
      event: { type: "member.joined", body: { user: person.user, role: row.role, invitation: row.id } },
    });
    if (rows.length === 0) await refuseUnlessDone(c, row, org.is_suspended !== 0 && org.closed_at_ms === null);
    return c.json({ org: org.id, name: org.name, role: row.role }, 200);
  },
);

/** Whoever repeats their own acceptance gets the same answer; all others but members and those held up, the 404. */
async function refuseUnlessDone(c: Context<ControlEnv>, row: InvitationRow, isSuspended: boolean): Promise<void> {
  const { control, principal, visit } = c.var;
  const now = await findByDigest(control.db, row.digest);
  const role = await findMemberRole(control.db, row.org, principal.id);
  if (role !== null && now?.accepted_by === principal.id) return;
  const isOpen = now !== null && now.accepted_at_ms === null && now.revoked_at_ms === null;
  if (!isOpen || now.expires_at_ms <= visit.now()) throw refuseToken();
  if (role !== null) throw new Refusal("conflict", { message: "You are a member of this organization already." });
  if (isSuspended)
    throw new Refusal("org_suspended", { message: "The organization is suspended; nobody can join it." });
  throw refuseToken();
}

function refuseToken(): Refusal {
  return new Refusal("not_found", {
    message: "There is no such invitation for you: it was used, is over, or was sent to another address.",
  });
}
