import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import type { AuditFacts } from "../audit/entry.ts";
import { winRace } from "../audit/races.ts";
import type { EventDraft, EventFacts } from "../events/types.ts";
import type { ControlEnv } from "../http/port.ts";
import type { Statement } from "../http/store.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { publishKey } from "../publishing/publish.ts";
import { applyKeyChange, isInForce, KeyRow, undoRotation, updateKey, type KeyChange } from "./queries.ts";

/** A step in a key's life that is an event, too. */
type KeyEvent = Extract<EventDraft, { type: "key.created" | "key.rotated" | "key.revoked" }>;

/**
 * Takes a step of one key's life as one audited change; the log has what the event tells, and what was before. What
 * `isRepeated` is no event. Null when the statement changed nothing.
 */
export async function commitKeyStep(
  c: Context<ControlEnv>,
  event: KeyEvent,
  change: Statement,
  { before = null, isRepeated = false }: { before?: AuditFacts | null; isRepeated?: boolean } = {},
): Promise<KeyRow | null> {
  const { type: action, body } = event;
  const { key: target, ...after } = body;
  const org = c.var.org.id;
  const planned = { org, action, target, before, after, change, event: isRepeated ? undefined : event };
  const [row] = await commitChange(c, planned);
  return row === undefined ? null : KeyRow.parse(row);
}

/**
 * Changes a key as one audited change; of two at once neither is lost. `read` reads the key for each try, and
 * refuses whoever may not change it so. Refused with 409 when it is not in force, with 412 when it is not the version
 * that `If-Match` names.
 */
export async function commitKeyChange(
  c: Context<ControlEnv>,
  read: () => Promise<KeyRow>,
  change: KeyChange,
): Promise<KeyRow> {
  const { control, visit } = c.var;
  const expected = readIfMatch(c);
  return winRace("a key", async () => {
    const known = await read();
    const nowMs = visit.now();
    refuseUnlessVersion(known, expected);
    if (!isInForce(known, nowMs)) throw new Refusal("conflict", { message: "This key is revoked or has expired." });
    const changed = applyKeyChange(known, change);
    const [row] = await commitChange(c, {
      org: known.org,
      action: "key.changed",
      target: known.id,
      ...diffFacts(describeKey(known), describeKey(changed)),
      change: updateKey(control.db, changed, nowMs),
    });
    return row === undefined ? undefined : showVersion(c, KeyRow.parse(row));
  });
}

/**
 * Revokes a key whose text nobody was shown, and gives the one that it was to replace back what it had. The ledger may
 * have stored either before it failed, so both are published too, without making the caller wait for what just failed.
 */
export async function withdrawKey(
  c: Context<ControlEnv>,
  fresh: KeyRow,
  replaced: Parameters<typeof undoRotation>[2] = null,
): Promise<void> {
  const { visit, control } = c.var;
  const rows = await commitChange(c, {
    org: fresh.org,
    action: "key.withdrawn",
    target: fresh.id,
    before: replaced && { replaced: replaced.ended.id },
    after: { reason: "the ledger was out of reach" },
    change: undoRotation(control.db, fresh.id, replaced, visit.now()),
  });
  for (const row of z.array(KeyRow).parse(rows)) visit.afterwards(publishKey(c, row));
}

/** What the audit log and events tell of a key: never the key, nor its digest. */
export function describeKey(
  row: Pick<KeyRow, "kind" | "name" | "hint" | "endpoints" | "models" | "ip_cidrs" | "limits" | "expires_at_ms"> &
    Pick<KeyRow, "owner" | "project">,
): Omit<EventFacts<"key.created">, "key"> {
  const { kind, name, hint, endpoints, models, ip_cidrs, limits, expires_at_ms, owner, project } = row;
  return { kind, name, hint, endpoints, models, ipCidrs: ip_cidrs, limits, expiresAtMs: expires_at_ms, owner, project };
}
