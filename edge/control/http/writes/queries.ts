import { z } from "zod";
import type { Database } from "../store.ts";

/** A write that named an Idempotency-Key. `status` is null while it runs; keys and bodies stand as digests. */
export interface NamedWrite {
  principal: string;
  key: string;
  digest: string;
  request: string;
  atMs: number;
}

const Known = z.object({ digest: z.string(), status: z.int().nullable(), request: z.string() });

/**
 * Claims a key for a write; null when it got it, else what has it. Forgets what was claimed before `forgottenMs`, and
 * before `abandonedMs` where it has not ended.
 */
export async function claimWrite(
  db: Database,
  write: NamedWrite,
  before: { forgottenMs: number; abandonedMs: number },
): Promise<z.infer<typeof Known> | null> {
  const { principal, key, digest, request, atMs } = write;
  const forget = db.prepare("DELETE FROM control_requests WHERE at_ms < ?1 OR (status IS NULL AND at_ms < ?2)");
  const insert = db.prepare(
    `INSERT INTO control_requests (principal, key, digest, request, at_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING RETURNING key`,
  );
  const select = db.prepare("SELECT digest, status, request FROM control_requests WHERE principal = ? AND key = ?");
  const [, claimed, found] = await db.batch([
    forget.bind(before.forgottenMs, before.abandonedMs),
    insert.bind(principal, key, digest, request, atMs),
    select.bind(principal, key),
  ]);
  return claimed?.results.length ? null : Known.parse(found?.results[0]);
}

/** Ends a write that was claimed: with its answer's status, or as if it had not been, so that it may be repeated. */
export async function endWrite(
  db: Database,
  { principal, key, request }: NamedWrite,
  status: number | null,
): Promise<void> {
  const where = "WHERE principal = ? AND key = ? AND request = ?";
  if (status === null) await db.prepare(`DELETE FROM control_requests ${where}`).bind(principal, key, request).run();
  else await db.prepare(`UPDATE control_requests SET status = ? ${where}`).bind(status, principal, key, request).run();
}
