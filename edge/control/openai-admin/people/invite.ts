import { z } from "@hono/zod-openapi";
import { InvitationId } from "../../../agreements/tokens/ids.ts";
import { toInvitation } from "../../invitations/invitation.ts";
import type { InvitationRow } from "../../invitations/queries.ts";
import { describeDeleted, Seconds, toSeconds, toSecondsOrNull } from "../fields.ts";
import { toOpenAiRole } from "./role.ts";

const shape = {
  id: InvitationId,
  object: z.literal("organization.invite"),
  email: z.string(),
  role: z.enum(["owner", "reader"]),
  status: z.enum(["pending", "accepted", "expired"]),
  created_at: Seconds,
  expires_at: Seconds,
  accepted_at: Seconds.nullable(),
  projects: z
    .array(z.strictObject({}))
    .openapi({ description: "None: all of an org's members reach all its projects." }),
};

/** An invitation as OpenAI's admin API shows it. */
export const OpenAiInvite = z.strictObject(shape).openapi("OpenAiInvite");

/** A new invitation. */
export const OpenAiInviteMade = z
  .strictObject({
    ...shape,
    link: z.string().nullable().openapi({
      description: "Of one whose mail did not go out: hand it to whom it is for. OpenAI has no such member.",
    }),
  })
  .openapi("OpenAiInviteMade");

/** That one was taken back. */
export const OpenAiInviteDeleted = describeDeleted("organization.invite.deleted", "OpenAiInviteDeleted");

/** The path's part that names an invitation. */
export const OpenAiInvitePath = z.object({ invite: InvitationId });

/** A stored invitation as OpenAI's admin API shows it. */
export function toOpenAiInvite(row: InvitationRow, nowMs: number): z.infer<typeof OpenAiInvite> {
  const { state } = toInvitation(row, nowMs);
  return {
    id: row.id,
    object: "organization.invite",
    email: row.email,
    role: toOpenAiRole(row.role),
    status: state === "open" ? "pending" : state === "accepted" ? "accepted" : "expired",
    created_at: toSeconds(row.created_at_ms),
    expires_at: toSeconds(row.expires_at_ms),
    accepted_at: toSecondsOrNull(row.accepted_at_ms),
    projects: [],
  };
}
