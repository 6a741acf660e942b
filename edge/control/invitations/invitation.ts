import { z } from "@hono/zod-openapi";
import { InvitationId } from "../../agreements/tokens/ids.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { RoleName } from "../members/member.ts";
import { OrgPath } from "../orgs/org.ts";
import type { InvitationRow } from "./queries.ts";

/** An invitation as the API shows it: never its token. */
export const Invitation = z
  .strictObject({
    id: InvitationId,
    email: z.string(),
    role: RoleName,
    state: z.enum(["open", "accepted", "revoked", "expired"]),
    invitedBy: z.string().describe("The person or the key that made it."),
    expiresAt: Timestamp,
    createdAt: Timestamp,
  })
  .openapi("Invitation");

/** An invitation that was just mailed, or could not be. */
export const MailedInvitation = z
  .strictObject({
    ...Invitation.shape,
    isMailed: z.boolean().describe("Whether the mail went out. If not, nobody has the link: send it again."),
    resend: z.string().nullable().describe("Where to `POST` to send it again, of one that was not mailed."),
  })
  .openapi("MailedInvitation");

/** The path's parts that name an invitation of an org. */
export const InvitationPath = OrgPath.extend({ invitation: InvitationId });

/** The answer for a row. */
export function toInvitation(row: InvitationRow, nowMs: number): z.infer<typeof Invitation> {
  const { id, email, role, invited_by: invitedBy } = row;
  const dates = { expiresAt: formatIso(row.expires_at_ms), createdAt: formatIso(row.created_at_ms) };
  return { id, email, role, state: readState(row, nowMs), invitedBy, ...dates };
}

/** The answer for one that was to be mailed. */
export function toMailed(row: InvitationRow, nowMs: number, isMailed: boolean): z.infer<typeof MailedInvitation> {
  const resend = isMailed ? null : `/control/orgs/${row.org}/invitations/${row.id}/resend`;
  return { ...toInvitation(row, nowMs), isMailed, resend };
}

function readState(row: InvitationRow, nowMs: number): z.infer<typeof Invitation>["state"] {
  if (row.accepted_at_ms !== null) return "accepted";
  if (row.revoked_at_ms !== null) return "revoked";
  return row.expires_at_ms > nowMs ? "open" : "expired";
}
