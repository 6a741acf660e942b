import type { SignedIn } from "#edge/control/http/port.ts";
import type { Database } from "#edge/control/http/store.ts";
import type { MemberRole } from "#edge/control/permissions.ts";

/** Makes a person known to sign-in by a proven address, and a member of an org, if one is given. */
export async function insertPerson(
  db: Database,
  { user, email, name }: SignedIn,
  home: { org: string | null; role: MemberRole },
): Promise<void> {
  await db
    .prepare(
      `INSERT INTO auth_users (id, email, name, email_verified, created_at_ms, updated_at_ms)
       VALUES (?, ?, ?, 1, 1, 1)`,
    )
    .bind(user, email, name)
    .run();
  if (home.org === null) return;
  const insert = db.prepare("INSERT INTO members (org, user, role, created_at_ms) VALUES (?, ?, ?, 1)");
  await insert.bind(home.org, user, home.role).run();
}
