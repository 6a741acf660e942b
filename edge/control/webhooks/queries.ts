import { z } from "zod";
import { OrgId, WebhookId } from "../../agreements/tokens/ids.ts";
import { createJsonColumn, type Cursor } from "../http/fields.ts";
import type { Database, Statement } from "../http/store.ts";

/** A row of `webhooks`, as D1 gives it. Its secrets are sealed. */
export const WebhookRow = z.object({
  id: WebhookId,
  org: OrgId,
  url: z.string(),
  description: z.string(),
  types: createJsonColumn(z.array(z.string())).nullable(),
  is_enabled: z.int(),
  secret: z.string(),
  old_secret: z.string().nullable(),
  old_ends_at_ms: z.int().nullable(),
  failing_since_ms: z.int().nullable(),
  switched_off_at_ms: z.int().nullable(),
  version: z.int(),
  created_at_ms: z.int(),
});
export type WebhookRow = z.infer<typeof WebhookRow>;

/** A webhook to insert. */
export type WebhookDraft = Pick<WebhookRow, "id" | "org" | "url" | "description" | "types" | "secret"> & {
  isEnabled: boolean;
  createdAtMs: number;
};

const writeTypes = (types: string[] | null) => types && JSON.stringify(types);

/** Inserts a webhook at version 1; no row when its org has as many as it may. */
export function insertWebhook(db: Database, draft: WebhookDraft, max: number): Statement {
  const insert = db.prepare(
    `INSERT INTO webhooks (id, org, url, description, types, is_enabled, secret, created_at_ms)
     SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM webhooks WHERE org = ?) < ? RETURNING *`,
  );
  const { id, org, url, description, types, isEnabled, secret, createdAtMs } = draft;
  const values = [id, org, url, description, writeTypes(types), Number(isEnabled), secret, createdAtMs];
  return insert.bind(...values, org, max);
}

/** Finds a webhook of an org; null when the org has none with that id. */
export async function findWebhook(db: Database, org: OrgId, id: WebhookId): Promise<WebhookRow | null> {
  const select = db.prepare("SELECT * FROM webhooks WHERE id = ? AND org = ?");
  return WebhookRow.nullable().parse(await select.bind(id, org).first());
}

/** An org's webhooks, newest first, from after `cursor`. */
export async function selectWebhooks(db: Database, org: OrgId, cursor: Cursor, limit: number): Promise<WebhookRow[]> {
  const select = db.prepare(
    `SELECT * FROM webhooks WHERE org = ? AND (created_at_ms, id) < (?, ?)
     ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  );
  return z.array(WebhookRow).parse((await select.bind(org, cursor.ms, cursor.id, limit).all()).results);
}

/**
 * Writes a webhook as it shall be, and counts its version up: no row when it has changed since it was read. What is
 * switched on begins anew: it has failed for no time.
 */
export function updateWebhook(db: Database, changed: WebhookRow): Statement {
  const update = db.prepare(
    `UPDATE webhooks SET url = ?1, description = ?2, types = ?3, is_enabled = ?4,
       failing_since_ms = CASE WHEN is_enabled = 0 AND ?4 = 1 THEN NULL ELSE failing_since_ms END,
       switched_off_at_ms = CASE WHEN ?4 = 1 THEN NULL ELSE switched_off_at_ms END,
       version = version + 1 WHERE id = ?5 AND version = ?6 RETURNING *`,
  );
  const { url, description, types, is_enabled, id, version } = changed;
  return update.bind(url, description, writeTypes(types), is_enabled, id, version);
}

/** Gives a webhook a new secret; the one before it signs too until `oldEndsAtMs`, or ends at once. */
export function rotateSecret(
  db: Database,
  known: Pick<WebhookRow, "id" | "version">,
  secret: string,
  oldEndsAtMs: number | null,
): Statement {
  const update = db.prepare(
    `UPDATE webhooks SET old_secret = CASE WHEN ?1 IS NULL THEN NULL ELSE secret END, old_ends_at_ms = ?1, secret = ?2,
       version = version + 1 WHERE id = ?3 AND version = ?4 RETURNING *`,
  );
  return update.bind(oldEndsAtMs, secret, known.id, known.version);
}

/** Deletes a webhook, and with it the log of its deliveries. */
export function deleteWebhookRow(db: Database, id: WebhookId): Statement {
  return db.prepare("DELETE FROM webhooks WHERE id = ? RETURNING *").bind(id);
}

/**
 * Switches a webhook off that has failed since `failingSinceMs`: no row when it is off already, or something has come
 * through meanwhile.
 */
export function switchOff(db: Database, id: WebhookId, failingSinceMs: number, nowMs: number): Statement {
  const update = db.prepare(
    `UPDATE webhooks SET is_enabled = 0, switched_off_at_ms = ?, version = version + 1
     WHERE id = ? AND is_enabled = 1 AND failing_since_ms = ? RETURNING *`,
  );
  return update.bind(nowMs, id, failingSinceMs);
}

/** Webhooks of which a secret is sealed under another master key than this one. */
export async function selectOtherSecrets(db: Database, kid: string, limit: number): Promise<WebhookRow[]> {
  const select = db.prepare(
    `SELECT * FROM webhooks
     WHERE substr(secret, 1, length(?1)) <> ?1 OR substr(old_secret, 1, length(?1)) <> ?1 LIMIT ?2`,
  );
  return z.array(WebhookRow).parse((await select.bind(`${kid}.`, limit).all()).results);
}

/** Puts the same secrets, sealed anew, in the place of what is there; nothing when they were rotated meanwhile. */
export function resealSecrets(
  db: Database,
  known: WebhookRow,
  sealed: { secret: string; oldSecret: string | null },
): Statement {
  const update = db.prepare("UPDATE webhooks SET secret = ?, old_secret = ? WHERE id = ? AND version = ?");
  return update.bind(sealed.secret, sealed.oldSecret, known.id, known.version);
}
