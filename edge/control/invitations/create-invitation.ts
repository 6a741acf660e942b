import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { mintControlId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { invitationMs } from "../limits.ts";
import { commitChange } from "../audit/commit.ts";
import {
  defineEndpoint,
  describeJsonAnswer,
  describeJsonBody,
  refusalAnswer,
  refuseUnlessMay,
} from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { RoleName } from "../members/member.ts";
import { OrgPath } from "../orgs/org.ts";
import { Email } from "../sign-in/answers.ts";
import { MailedInvitation, toMailed } from "./invitation.ts";
import { mailInvitation, mintToken, readMailRoom, refuseMail } from "./mail-invitation.ts";
import { findOpenByEmail, insertInvitation, InvitationRow, isMembersEmail } from "./queries.ts";

const Body = z.strictObject({ email: Email, role: RoleName }).openapi("InvitationCreate");

/**
 * Invites the holder of an address, by mail: for seven days, to be used once. Refused with 409 for an address that is a
 * member's of this org, or invited already. Whether anybody has an account under it, the answer does not tell (S15).
 */
export const createInvitation = defineEndpoint(
  "members.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/invitations",
    operationId: "createInvitation",
    tags: ["people"],
    summary: "Invite somebody",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: {
      201: describeJsonAnswer("The invitation, and whether its mail went out.", MailedInvitation),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { row, link } = await invite(c, c.req.valid("json"));
    return c.json(toMailed(row, c.var.visit.now(), link), 201);
  },
);

/** Makes an invitation and mails it; `link` is null when the mail went out. */
export async function invite(
  c: Context<ControlEnv>,
  { email, role }: z.infer<typeof Body>,
): Promise<{ row: InvitationRow; link: string | null }> {
  const { control, visit, org, principal } = c.var;
  if (role === "owner") refuseUnlessMay(principal, "members.owner");
  const nowMs = visit.now();
  const { token, digest } = mintToken(c);
  const id = mintControlId("invitation", (bytes) => visit.random(bytes));
  const draft = {
    id,
    org: org.id,
    email,
    role,
    digest,
    invited_by: principal.id,
    expires_at_ms: nowMs + invitationMs,
    created_at_ms: nowMs,
  };
  const [made] = await commitChange(c, {
    org: org.id,
    action: "invitation.created",
    target: id,
    before: null,
    after: { email, role },
    change: insertInvitation(control.db, draft, readMailRoom(nowMs)),
    event: { type: "member.invited", body: { invitation: id, email, role } },
  });
  if (made === undefined) throw await findWhyNot(c, email);
  const row = InvitationRow.parse(made);
  return { row, link: await mailInvitation(c, row, token) };
}

async function findWhyNot(c: Context<ControlEnv>, email: string): Promise<Refusal> {
  const { control, org, visit } = c.var;
  if (await isMembersEmail(control.db, org.id, email))
    return new Refusal("conflict", { message: "This address is a member's already." });
  const open = await findOpenByEmail(control.db, org.id, email, visit.now());
  if (!open) return refuseMail();
  return new Refusal("conflict", {
    message: `This address is invited already (${open.id}): send that again, or revoke it.`,
  });
}
