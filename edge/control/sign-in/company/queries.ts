import { z } from "zod";
import { UserId, type OrgId } from "../../../agreements/tokens/ids.ts";
import { memberRoles } from "../../permissions.ts";
import type { Database, Statement } from "../../http/store.ts";

const KnownRow = z.object({ id: UserId, email: z.string(), role: z.enum(memberRoles).nullable() });

/**
 * Whom a company login means: by the subject that it has named before, else by the address; with their role in its org.
 * Null for somebody who is not known here.
 */
export async function findKnown(
  db: Database,
  { org, provider, subject, email }: { org: OrgId; provider: string; subject: string; email: string },
): Promise<z.infer<typeof KnownRow> | null> {
  const select = db.prepare(
    `SELECT u.id, u.email, m.role FROM auth_users AS u LEFT JOIN members AS m ON m.user = u.id AND m.org = ?1
     WHERE u.id = coalesce((SELECT user_id FROM auth_accounts WHERE provider_id = ?2 AND account_id = ?3),
       (SELECT id FROM auth_users WHERE email = ?4))`,
  );
  return KnownRow.nullable().parse(await select.bind(org, provider, subject, email).first());
}

/** Is this address invited by any org? Then whoever proves it may become known here. */
export async function isInvited(db: Database, email: string, nowMs: number): Promise<boolean> {
  const select = db.prepare(
    `SELECT 1 FROM invitations WHERE email = ? AND accepted_at_ms IS NULL AND revoked_at_ms IS NULL
       AND expires_at_ms > ? LIMIT 1`,
  );
  return (await select.bind(email, nowMs).first()) !== null;
}

/** Changes nothing, and answers a row where the person is no member yet and the org is open. */
export function touchUnjoined(db: Database, org: OrgId, user: UserId): Statement {
  const update = db.prepare(
    `UPDATE orgs SET name = name WHERE id = ?1 AND is_suspended = 0 AND closed_at_ms IS NULL
       AND NOT EXISTS (SELECT 1 FROM members WHERE members.org = ?1 AND members.user = ?2) RETURNING *`,
  );
  return update.bind(org, user);
}
