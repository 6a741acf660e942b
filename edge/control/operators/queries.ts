import { z } from "zod";
import { UserId } from "../../agreements/tokens/ids.ts";
import type { Database, Statement } from "../http/store.ts";

/** A person whom the house has made an operator, as D1 gives it. */
export const OperatorRow = z.object({
  id: UserId,
  email: z.string(),
  name: z.string(),
  email_verified: z.int(),
});

/** A person whom the house has made an operator. */
export type OperatorRow = z.infer<typeof OperatorRow>;

/** All operators, by their address. */
export async function selectOperators(db: Database): Promise<OperatorRow[]> {
  const { results } = await db
    .prepare("SELECT id, email, name, email_verified FROM auth_users WHERE is_operator = 1 ORDER BY email LIMIT 1000")
    .all();
  return z.array(OperatorRow).parse(results);
}

/** A person by their id; null for none. */
export async function findOperator(db: Database, user: UserId): Promise<OperatorRow | null> {
  const select = db.prepare("SELECT id, email, name, email_verified FROM auth_users WHERE id = ? AND is_operator = 1");
  return OperatorRow.nullable().parse(await select.bind(user).first());
}

/** The operator of an address; null for none. */
export async function findOperatorByEmail(db: Database, email: string): Promise<OperatorRow | null> {
  const select = db.prepare(
    "SELECT id, email, name, email_verified FROM auth_users WHERE email = ? AND is_operator = 1",
  );
  return OperatorRow.nullable().parse(await select.bind(email).first());
}

/** The id of whoever is known by an address, operator or not; null for nobody. */
export async function findUserId(db: Database, email: string): Promise<UserId | null> {
  const row = await db.prepare("SELECT id FROM auth_users WHERE email = ?").bind(email).first();
  return z.object({ id: UserId }).nullable().parse(row)?.id ?? null;
}

/**
 * Makes whoever proves this address an operator: who is known by it, or a new person who has yet to prove it. Returns
 * no row for who is one already.
 */
export function makeOperator(
  db: Database,
  { id, email, nowMs }: { id: UserId; email: string; nowMs: number },
): Statement {
  return db
    .prepare(
      `INSERT INTO auth_users (id, email, is_operator, created_at_ms, updated_at_ms) VALUES (?1, ?2, 1, ?3, ?3)
       ON CONFLICT (email) DO UPDATE SET is_operator = 1, updated_at_ms = ?3 WHERE is_operator = 0
       RETURNING id, email, name, email_verified`,
    )
    .bind(id, email, nowMs);
}

/** Takes the word back: at the next request they are none. Returns no row where they were none. */
export function unmakeOperator(db: Database, user: UserId, nowMs: number): Statement {
  return db
    .prepare(
      `UPDATE auth_users SET is_operator = 0, updated_at_ms = ? WHERE id = ? AND is_operator = 1
       RETURNING id, email, name, email_verified`,
    )
    .bind(nowMs, user);
}
