import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { diffFacts } from "../audit/diff.ts";
import type { AuditFacts } from "../audit/entry.ts";
import type { ControlEnv } from "../http/port.ts";
import type { Statement } from "../http/store.ts";
import { readIfMatch, refuseUnlessVersion, showVersion } from "../http/writes/versions.ts";
import { publishKey } from "../http/publish.ts";
import { applyKeyChange, findKey, KeyRow, undoRotation, updateKey, type KeyChange } from "./queries.ts";

const triesMax = 50;

/** A step in a key's life, as the audit log and whoever listens to events hear of it. */
export type KeyStep = "key.created" | "key.rotated" | "key.replaced" | "key.revoked" | "key.withdrawn" | "key.changed";

/** Steps that are events too. */
const eventSteps = new Set<KeyStep>(["key.created", "key.rotated", "key.revoked"]);

/** Takes a step of one key's life as one audited change. Null when the statement changed nothing. */
export async function commitKeyStep(
  c: Context<ControlEnv>,
  step: KeyStep,
  facts: { id: string; before: AuditFacts | null; after: AuditFacts | null },
  change: Statement,
): Promise<KeyRow | null> {
  const { id: target, before, after } = facts;
  const org = c.var.org.id;
  const event = eventSteps.has(step) ? { type: step, body: { key: target, ...after } } : undefined;
  const [row] = await commitChange(c, { org, action: step, target, before, after, change, event });
  return row === undefined ? null : KeyRow.parse(row);
}

/**
 * Changes a key as one audited change; of two at once neither is lost. Refused with 409 when it is not in force, with
 * 412 when it is not the version that `If-Match` names.
 */
export async function commitKeyChange(c: Context<ControlEnv>, from: KeyRow, change: KeyChange): Promise<KeyRow> {
  const { db } = c.var.control;
  const nowMs = c.var.visit.now();
  const expected = readIfMatch(c);
  let known = from;
  for (let tries = 0; tries < triesMax; tries++) {
    refuseUnlessVersion(known, expected);
    const changed = applyKeyChange(known, change);
    const facts = { id: known.id, ...diffFacts(describeKey(known), describeKey(changed)) };
    const row = await commitKeyStep(c, "key.changed", facts, updateKey(db, changed, nowMs));
    if (row) return showVersion(c, row);
    const found = await findKey(db, known.org, known.id);
    if (!found || found.version === known.version)
      throw new Refusal("conflict", { message: "This key is revoked or has expired." });
    known = found;
  }
  throw new Refusal("store_unavailable", {
    message: "Too many changes at once. Repeat the request.",
    log: "key races",
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

/** What the audit log tells of a key: never the key, nor its digest. */
export function describeKey(
  row: Pick<KeyRow, "kind" | "name" | "hint" | "endpoints" | "models" | "ip_cidrs" | "limits" | "expires_at_ms"> &
    Pick<KeyRow, "owner" | "project">,
): AuditFacts {
  const { kind, name, hint, endpoints, models, ip_cidrs, limits, expires_at_ms, owner, project } = row;
  return { kind, name, hint, endpoints, models, ipCidrs: ip_cidrs, limits, expiresAtMs: expires_at_ms, owner, project };
}
