import type { Context } from "hono";
import type { UserId } from "../../../agreements/tokens/ids.ts";
import { commitAudited, readAddress } from "../../audit/commit.ts";
import { markUsed, type LoginRow } from "../../company-login/queries.ts";
import { touchUnjoined } from "./queries.ts";
import { acceptInvitationRow, findOpenByEmail } from "../../invitations/queries.ts";
import { findMemberRole, insertMember } from "../../members/queries.ts";
import type { SignInEnv } from "../step.ts";

/**
 * Makes whoever came by an org's company login for the first time a member: as they were invited, else as the login
 * says. Of two browsers of theirs at once one does it. Written before the session is handed out.
 */
export async function joinByCompany(
  c: Context<SignInEnv>,
  login: LoginRow,
  { user, email, name }: { user: UserId; email: string; name: string },
): Promise<void> {
  const { control, visit } = c.var;
  const { org, default_role: defaultRole } = login;
  const nowMs = visit.now();
  await markUsed(control.db, login, nowMs);
  if ((await findMemberRole(control.db, org, user)) !== null) return;
  const invitation = await findOpenByEmail(control.db, org, email, nowMs);
  const role = invitation?.role ?? defaultRole;
  if (role === null) return;
  const by = invitation ? { invitation: invitation.id } : { login: login.id };
  const actor = { kind: "member", id: user, name, ip: readAddress(c) } as const;
  await commitAudited(
    { db: control.db, actor, visit },
    {
      org,
      action: "member.added",
      target: user,
      before: null,
      after: { role, email, ...by },
      change: invitation
        ? acceptInvitationRow(control.db, invitation, user, nowMs)
        : touchUnjoined(control.db, org, user),
      also: (mark) => [insertMember(control.db, { user, role, createdAtMs: nowMs }, mark)],
      event: { type: "member.joined", body: { user, role, ...by } },
    },
  );
  visit.afterwards(control.deliverer.nudge(org));
}
