import { z } from "zod";
import { OrgId, PasskeyId, SessionId, UserId } from "../../agreements/tokens/ids.ts";
import { sessionIdleMs, sessionMsMax, sessionTouchMs } from "../../agreements/settings/sign-in-limits.ts";
import type { Database } from "../http/store.ts";

const SignedInRow = z.object({
  id: SessionId,
  user_id: UserId,
  email: z.string(),
  name: z.string(),
  has_second_factor: z.int(),
  two_factor_enabled: z.int().nullable(),
  is_operator: z.int(),
  only_org: OrgId.nullable(),
  expires_at_ms: z.int(),
  created_at_ms: z.int(),
});

/** A session with whose it is, as D1 gives it. */
export type SignedInRow = z.infer<typeof SignedInRow>;

/** Finds the session of a token's digest; null for one that has ended, by disuse or by age. */
export async function findSession(db: Database, digest: string, nowMs: number): Promise<SignedInRow | null> {
  const select = db.prepare(
    `SELECT s.id, s.user_id, u.email, u.name, s.has_second_factor, u.two_factor_enabled, u.is_operator,
       s.only_org, s.expires_at_ms, s.created_at_ms
     FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
     WHERE s.token_digest = ? AND s.expires_at_ms > ? AND s.created_at_ms > ?`,
  );
  return SignedInRow.nullable().parse(await select.bind(digest, nowMs, nowMs - sessionMsMax).first());
}

/** When a session ends that is used now: an hour from now, and never later than twelve from its beginning. */
export function reckonEnd(createdAtMs: number, nowMs: number): number {
  return Math.min(nowMs + sessionIdleMs, createdAtMs + sessionMsMax);
}

/** Writes down that a session is used, if that was not written in the last minute; answers when it ends now. */
export async function touchSession(db: Database, row: SignedInRow, nowMs: number): Promise<number> {
  const endMs = reckonEnd(row.created_at_ms, nowMs);
  if (endMs - row.expires_at_ms < sessionTouchMs) return row.expires_at_ms;
  await db
    .prepare("UPDATE auth_sessions SET expires_at_ms = ?, updated_at_ms = ? WHERE id = ?")
    .bind(endMs, nowMs, row.id)
    .run();
  return endMs;
}

/** Notes that a session was proven by a second factor. */
export async function markSecondFactor(db: Database, session: SessionId): Promise<void> {
  await db.prepare("UPDATE auth_sessions SET has_second_factor = 1 WHERE id = ?").bind(session).run();
}

const SessionRow = z.object({
  id: SessionId,
  ip_address: z.string().nullable(),
  user_agent: z.string().nullable(),
  has_second_factor: z.int(),
  created_at_ms: z.int(),
  updated_at_ms: z.int(),
  expires_at_ms: z.int(),
});

/** A session as its owner sees it in a list. */
export type SessionRow = z.infer<typeof SessionRow>;

/** The sessions of a person that have not ended, newest first. */
export async function selectSessions(db: Database, user: UserId, nowMs: number): Promise<SessionRow[]> {
  const { results } = await db
    .prepare(
      `SELECT id, ip_address, user_agent, has_second_factor, created_at_ms, updated_at_ms, expires_at_ms
       FROM auth_sessions WHERE user_id = ? AND expires_at_ms > ? AND created_at_ms > ?
       ORDER BY created_at_ms DESC, id LIMIT 100`,
    )
    .bind(user, nowMs, nowMs - sessionMsMax)
    .all();
  return z.array(SessionRow).parse(results);
}

/** Ends a session of this person; false when she has none with that id. It opens nothing from then on. */
export async function deleteSession(db: Database, user: UserId, session: SessionId): Promise<boolean> {
  const remove = db.prepare("DELETE FROM auth_sessions WHERE id = ? AND user_id = ? RETURNING id");
  return (await remove.bind(session, user).first()) !== null;
}

/** Ends all sessions of a person but one; answers how many those were. */
export async function deleteOtherSessions(db: Database, user: UserId, kept: SessionId): Promise<number> {
  const remove = db.prepare("DELETE FROM auth_sessions WHERE user_id = ? AND id <> ? RETURNING id");
  return (await remove.bind(user, kept).all()).results.length;
}

const PasskeyRow = z.object({
  id: PasskeyId,
  name: z.string().nullable(),
  backed_up: z.int(),
  created_at_ms: z.int().nullable(),
});

/** A passkey as its owner sees it in a list. */
export type PasskeyRow = z.infer<typeof PasskeyRow>;

/** A person's passkeys, newest first. */
export async function selectPasskeys(db: Database, user: UserId): Promise<PasskeyRow[]> {
  const { results } = await db
    .prepare(
      `SELECT id, name, backed_up, created_at_ms FROM auth_passkeys WHERE user_id = ?
       ORDER BY created_at_ms DESC, id LIMIT 100`,
    )
    .bind(user)
    .all();
  return z.array(PasskeyRow).parse(results);
}

/** Deletes a passkey of this person; false when she has none with that id. */
export async function deletePasskey(db: Database, user: UserId, passkey: PasskeyId): Promise<boolean> {
  const remove = db.prepare("DELETE FROM auth_passkeys WHERE id = ? AND user_id = ? RETURNING id");
  return (await remove.bind(passkey, user).first()) !== null;
}

/** Gives a person another name. */
export async function renameUser(db: Database, user: UserId, name: string, nowMs: number): Promise<void> {
  await db.prepare("UPDATE auth_users SET name = ?, updated_at_ms = ? WHERE id = ?").bind(name, nowMs, user).run();
}

const TriesRow = z.object({ tries: z.int(), ends_at_ms: z.int() });

/** Counts a try, in one step; answers how many there are in its window now, and when that ends. */
export async function countTry(
  db: Database,
  id: string,
  { nowMs, endsAtMs }: { nowMs: number; endsAtMs: number },
): Promise<z.infer<typeof TriesRow>> {
  const row = await db
    .prepare(
      `INSERT INTO auth_limits (id, tries, ends_at_ms) VALUES (?1, 1, ?3)
       ON CONFLICT (id) DO UPDATE SET
         tries = CASE WHEN ends_at_ms <= ?2 THEN 1 ELSE tries + 1 END,
         ends_at_ms = CASE WHEN ends_at_ms <= ?2 THEN ?3 ELSE ends_at_ms END
       RETURNING tries, ends_at_ms`,
    )
    .bind(id, nowMs, endsAtMs)
    .first();
  return TriesRow.parse(row);
}

/** Takes back a try that came to nothing for a reason of ours. */
export async function uncountTry(db: Database, id: string): Promise<void> {
  await db.prepare("UPDATE auth_limits SET tries = tries - 1 WHERE id = ? AND tries > 0").bind(id).run();
}

/** Deletes what is over: sessions, codes and challenges, counts. */
export async function deleteEnded(db: Database, nowMs: number): Promise<void> {
  await db.prepare("DELETE FROM auth_sessions WHERE expires_at_ms <= ?").bind(nowMs).run();
  await db.prepare("DELETE FROM auth_verifications WHERE expires_at_ms <= ?").bind(nowMs).run();
  await db.prepare("DELETE FROM auth_limits WHERE ends_at_ms <= ?").bind(nowMs).run();
}
