import type { Context } from "hono";
import { digestHex } from "../../agreements/digest.ts";
import type { Mail } from "../../agreements/mail.ts";
import { generateBase62 } from "../../agreements/tokens/ids.ts";
import { describeCause, Refusal } from "../../errors.ts";
import { invitationMs, invitationsDayMax } from "../limits.ts";
import type { ControlEnv } from "../http/port.ts";
import { unsend, type InvitationRow, type MailRoom } from "./queries.ts";

const tokenChars = 43;
const dayMs = 86_400_000;

/** A new token of 256 bits, and what the store keeps of it. */
export function mintToken(c: Context<ControlEnv>): { token: string; digest: string } {
  const token = generateBase62(tokenChars, (bytes) => c.var.visit.random(bytes));
  return { token, digest: digestHex(token) };
}

/** How much an org and an inviter may still mail today. */
export function readMailRoom(nowMs: number): MailRoom {
  return { sinceMs: nowMs - dayMs, max: invitationsDayMax };
}

/** Refuses whoever has mailed as much as they may. */
export function refuseMail(): Refusal {
  return new Refusal("rate_limit_exceeded", {
    message: `At most ${invitationsDayMax} invitations a day are mailed for one organization, or by one person.`,
    retryAfterMs: 60_000,
  });
}

/**
 * Mails an invitation; answers whether it went out. Nobody but its address gets the token: when the mail fails it is
 * lost, and sending it again makes another.
 */
export async function mailInvitation(c: Context<ControlEnv>, row: InvitationRow, token: string): Promise<boolean> {
  const { control, visit, org, principal } = c.var;
  const { mailer, publicUrl } = control;
  const origin = new URL(publicUrl ?? c.req.url).origin;
  try {
    if (!mailer) throw new Error("mail is not set up");
    const by = principal.person?.name || "An administrator";
    await mailer.send(writeMail(row, { org: org.name, by, link: `${origin}/portal/invitation#${token}` }));
    return true;
  } catch (cause) {
    visit.log("invitation_not_mailed", { invitation: row.id, cause: describeCause(cause) });
    await unsend(control.db, row);
    return false;
  }
}

function writeMail({ email, role }: InvitationRow, words: { org: string; by: string; link: string }): Mail {
  const { org, by, link } = words;
  const days = invitationMs / dayMs;
  return {
    to: email,
    subject: `You are invited to ${org}`,
    text:
      `${by} invites you to join the organization "${org}" as ${role}. Sign in with this address, ${email}, at\n\n` +
      `    ${link}\n\nThe link works once, within ${days} days. If you do not know what this is about, do nothing.\n`,
  };
}
