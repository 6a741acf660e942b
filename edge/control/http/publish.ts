import type { Context } from "hono";
import { describeCause, Refusal } from "../../errors.ts";
import type { PublishedRecord } from "../../ledger/port.ts";
import { toKeyRecord, undoRotation, type KeyRow } from "../keys/queries.ts";
import { toOrgRecord, type OrgRow } from "../orgs/queries.ts";
import type { ControlEnv } from "./port.ts";

/** Publishes an org as stored; refuses with 503 when the ledger is unavailable, so that repeating the request heals. */
export async function publishOrg(c: Context<ControlEnv>, row: OrgRow): Promise<void> {
  await publish(c, toOrgRecord(row));
}

/** Publishes a key as stored. Admin keys are read from D1 on every request, so no ledger needs them. */
export async function publishKey(c: Context<ControlEnv>, row: KeyRow): Promise<void> {
  if (row.kind === "inference") await publish(c, toKeyRecord(row));
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
  for (const row of await undoRotation(control.db, fresh.id, replaced, visit.now()))
    visit.afterwards(publishKey(c, row));
}

/** Runs the clean-up after a failure: if it fails itself that is logged, and hides nothing. */
export async function cleanUp(c: Context<ControlEnv>, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    c.var.visit.log("clean_up_failed", { cause: describeCause(cause) });
  }
}

/** Logs one line per change, so that the log shows who did what. Ids only. */
export function logChange(c: Context<ControlEnv>, change: string, ids: { org: string; key?: string }): void {
  c.var.visit.log("control_changed", { change, by: c.var.admin.key, ...ids });
}

async function publish(c: Context<ControlEnv>, record: PublishedRecord): Promise<void> {
  try {
    await c.var.control.publisher.publish(record);
  } catch (cause) {
    c.var.visit.log("publish_failed", { id: record.id, version: record.version, cause: describeCause(cause) });
    throw new Refusal("quota_unavailable", {
      message: "The ledger is out of reach, so the change is not in force. Repeat the request.",
      retryAfterMs: 1_000,
      log: `publish of ${record.id} failed`,
      cause,
    });
  }
}
