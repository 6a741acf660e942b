import { z } from "zod";
import { UserId } from "../../agreements/tokens/ids.ts";
import type { Database } from "../http/store.ts";

const OperatorRow = z.object({
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

/**
 * Makes whoever proves this address an operator: she who is known by it, or a new person who has yet to prove it.
 */
export async function makeOperator(
  db: Database,
  { id, email, nowMs }: { id: UserId; email: string; nowMs: number },
): Promise<OperatorRow> {
  const row = await db
    .prepare(
      `INSERT INTO auth_users (id, email, is_operator, created_at_ms, updated_at_ms) VALUES (?1, ?2, 1, ?3, ?3)
       ON CONFLICT (email) DO UPDATE SET is_operator = 1, updated_at_ms = ?3
       RETURNING id, email, name, email_verified`,
    )
    .bind(id, email, nowMs)
    .first();
  return OperatorRow.parse(row);
}

/** Takes the word back: at her next request she is none. Null when she was none. */
export async function unmakeOperator(db: Database, user: UserId, nowMs: number): Promise<OperatorRow | null> {
  const row = await db
    .prepare(
      `UPDATE auth_users SET is_operator = 0, updated_at_ms = ? WHERE id = ? AND is_operator = 1
       RETURNING id, email, name, email_verified`,
    )
    .bind(nowMs, user)
    .first();
  return OperatorRow.nullable().parse(row);
}
