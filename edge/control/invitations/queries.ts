import { z } from "zod";
import { InvitationId, OrgId, UserId } from "../../agreements/tokens/ids.ts";
import type { Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";
import { memberRoles } from "../permissions.ts";

/** A row of `invitations`, as D1 gives it. The token itself is nowhere: only its digest. */
export const InvitationRow = z.object({
  id: InvitationId,
  org: OrgId,
  email: z.string(),
  role: z.enum(memberRoles),
  digest: z.string(),
  invited_by: z.string(),
  expires_at_ms: z.int(),
  accepted_at_ms: z.int().nullable(),
  accepted_by: UserId.nullable(),
  revoked_at_ms: z.int().nullable(),
  sends: z.int(),
  sent_at_ms: z.int().nullable(),
  version: z.int(),
  created_at_ms: z.int(),
});
export type InvitationRow = z.infer<typeof InvitationRow>;

/** How much mail may be sent: by one invitation in all, and by an org and an inviter since `sinceMs`. */
export interface MailRoom {
  sinceMs: number;
  max: number;
}

const isOpen = "accepted_at_ms IS NULL AND revoked_at_ms IS NULL AND expires_at_ms > ?";
const hasRoom = `(SELECT count(*) FROM invitations AS o WHERE o.org = ? AND o.sent_at_ms > ?) < ?
  AND (SELECT count(*) FROM invitations AS b WHERE b.invited_by = ? AND b.sent_at_ms > ?) < ?`;

/**
 * Inserts an invitation that is about to be mailed; no row when the address is invited already, is a member's, or when
 * as many were mailed as may be.
 */
export function insertInvitation(
  db: Database,
  row: Omit<InvitationRow, "accepted_at_ms" | "accepted_by" | "revoked_at_ms" | "sends" | "sent_at_ms" | "version">,
  room: MailRoom,
): Statement {
  const insert = db.prepare(
    `INSERT INTO invitations (id, org, email, role, digest, invited_by, expires_at_ms, created_at_ms, sends, sent_at_ms)
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, 1, ?
     WHERE NOT EXISTS (SELECT 1 FROM invitations WHERE org = ? AND email = ? AND ${isOpen})
       AND NOT EXISTS (${memberByEmail}) AND ${hasRoom} RETURNING *`,
  );
  const { id, org, email, role, digest, invited_by, expires_at_ms, created_at_ms } = row;
  const values = [id, org, email, role, digest, invited_by, expires_at_ms, created_at_ms, created_at_ms];
  const checked = [org, email, created_at_ms, email, org];
  const { sinceMs, max } = room;
  return insert.bind(...values, ...checked, org, sinceMs, max, invited_by, sinceMs, max);
}

const memberByEmail = `SELECT 1 FROM auth_users JOIN members ON members.user = auth_users.id
  WHERE auth_users.email = ? AND members.org = ?`;

/** Whether an address is that of one of the org's own members. */
export async function isMembersEmail(db: Database, org: OrgId, email: string): Promise<boolean> {
  return (await db.prepare(memberByEmail).bind(email, org).first()) !== null;
}

/** The invitation of an address that waits for an answer. */
export async function findOpenByEmail(
  db: Database,
  org: OrgId,
  email: string,
  nowMs: number,
): Promise<InvitationRow | null> {
  const select = db.prepare(`SELECT * FROM invitations WHERE org = ? AND email = ? AND ${isOpen}`);
  return InvitationRow.nullable().parse(await select.bind(org, email, nowMs).first());
}

/** Finds an invitation of an org; null when the org has none with that id. */
export async function findInvitation(db: Database, org: OrgId, id: InvitationId): Promise<InvitationRow | null> {
  const select = db.prepare("SELECT * FROM invitations WHERE id = ? AND org = ?");
  return InvitationRow.nullable().parse(await select.bind(id, org).first());
}

/** Finds an invitation by its token's digest, whatever has become of it. */
export async function findByDigest(db: Database, digest: string): Promise<InvitationRow | null> {
  const select = db.prepare("SELECT * FROM invitations WHERE digest = ?");
  return InvitationRow.nullable().parse(await select.bind(digest).first());
}

/** An org's invitations, newest first, from after `cursor`; `onlyKept` leaves those out that were taken back. */
export async function selectInvitations(
  db: Database,
  org: OrgId,
  { cursor, limit, onlyKept = false }: { cursor: Cursor; limit: number; onlyKept?: boolean },
): Promise<InvitationRow[]> {
  const select = db.prepare(
    `SELECT * FROM invitations WHERE org = ? AND (created_at_ms, id) < (?, ?)
     ${onlyKept ? "AND revoked_at_ms IS NULL" : ""}
     ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  );
  return z.array(InvitationRow).parse((await select.bind(org, cursor.ms, cursor.id, limit).all()).results);
}

/**
 * Gives an open invitation another token and a full term, about to be mailed: the token before is void. No row when it
 * is over, has changed since it was read, or when as much was mailed as may be.
 */
export function renewInvitation(
  db: Database,
  from: InvitationRow,
  to: { digest: string; expiresAtMs: number; nowMs: number },
  room: MailRoom & { sendsMax: number; beforeMs: number },
): Statement {
  const update = db.prepare(
    `UPDATE invitations SET digest = ?, expires_at_ms = ?, sends = sends + 1, sent_at_ms = ?, version = version + 1
     WHERE id = ? AND version = ? AND accepted_at_ms IS NULL AND revoked_at_ms IS NULL
       AND sends < ? AND coalesce(sent_at_ms, 0) <= ? AND ${hasRoom} RETURNING *`,
  );
  const { id, version, org, invited_by } = from;
  const { sendsMax, beforeMs, sinceMs, max } = room;
  const limits = [sendsMax, beforeMs, org, sinceMs, max, invited_by, sinceMs, max];
  return update.bind(to.digest, to.expiresAtMs, to.nowMs, id, version, ...limits);
}

/** Notes that a mail did not go out, so that it may be sent again at once. */
export async function unsend(db: Database, { id, version }: InvitationRow): Promise<void> {
  await db
    .prepare("UPDATE invitations SET sends = sends - 1, sent_at_ms = NULL WHERE id = ? AND version = ?")
    .bind(id, version)
    .run();
}

/** Takes back an invitation that nobody has accepted. No row when somebody has, or it is taken back already. */
export function revokeInvitationRow(db: Database, id: InvitationId, nowMs: number): Statement {
  const update = db.prepare(
    `UPDATE invitations SET revoked_at_ms = ?, version = version + 1
     WHERE id = ? AND accepted_at_ms IS NULL AND revoked_at_ms IS NULL RETURNING *`,
  );
  return update.bind(nowMs, id);
}

/**
 * Accepts an open invitation for a person who has proven its address to sign-in and is no member of the org yet. No row
 * otherwise: one statement, so it is used once (S15).
 */
export function acceptInvitationRow(
  db: Database,
  { id, version }: InvitationRow,
  user: UserId,
  nowMs: number,
): Statement {
  const update = db.prepare(
    `UPDATE invitations SET accepted_at_ms = ?1, accepted_by = ?2, version = version + 1
     WHERE id = ?3 AND version = ?4 AND accepted_at_ms IS NULL AND revoked_at_ms IS NULL AND expires_at_ms > ?1
       AND EXISTS (SELECT 1 FROM auth_users AS u
         WHERE u.id = ?2 AND u.email = invitations.email AND u.email_verified = 1)
       AND NOT EXISTS (SELECT 1 FROM members AS m WHERE m.org = invitations.org AND m.user = ?2)
       AND EXISTS (SELECT 1 FROM orgs WHERE orgs.id = invitations.org AND orgs.closed_at_ms IS NULL
         AND orgs.is_suspended = 0)
     RETURNING *`,
  );
  return update.bind(nowMs, user, id, version);
}
