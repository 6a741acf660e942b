import type { Context } from "hono";
import type { KeyId } from "../../agreements/tokens/ids.ts";
import type { KeyRecord } from "../../agreements/records/key.ts";
import type { OrgRecord } from "../../agreements/records/org.ts";
import { reasonOf, Refusal } from "../../errors.ts";
import { revokeKeyRow, toKeyRecord, type KeyRow } from "../keys/queries.ts";
import { toOrgRecord, type OrgRow } from "../orgs/queries.ts";
import type { ControlEnv } from "./port.ts";

/**
 * Brings an org as stored into force; refuses with 503 when the ledger cannot be told, so that repeating the request
 * heals.
 */
export async function publishOrg(c: Context<ControlEnv>, row: OrgRow): Promise<void> {
  await publish(c, toOrgRecord(row));
}

/** Brings a key as stored into force. Admin keys are read from D1 on every request, so no ledger needs to know them. */
export async function publishKey(c: Context<ControlEnv>, row: KeyRow): Promise<void> {
  if (row.kind === "inference") await publish(c, toKeyRecord(row));
}

/**
 * Revokes a key whose text nobody was shown. The ledger may have heard of it before it failed, so it is told again,
 * without making the caller wait for what just failed.
 */
export async function withdrawKey(c: Context<ControlEnv>, id: KeyId): Promise<void> {
  const { visit, control } = c.var;
  const row = await revokeKeyRow(control.db, id, visit.now());
  if (row) visit.afterwards(publishKey(c, row));
}

/** Runs the clean-up after a failure: its own failure is logged and hides nothing. */
export async function cleanUp(c: Context<ControlEnv>, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    c.var.visit.log("clean_up_failed", { cause: reasonOf(cause) });
  }
}

/** One line for every change, so that a log tells who did what. Ids only. */
export function logChange(c: Context<ControlEnv>, change: string, ids: { org: string; key?: string }): void {
  c.var.visit.log("control_changed", { change, by: c.var.admin.key, ...ids });
}

async function publish(c: Context<ControlEnv>, record: OrgRecord | KeyRecord): Promise<void> {
  try {
    await c.var.control.publisher.publish(record);
  } catch (cause) {
    c.var.visit.log("publish_failed", { id: record.id, version: record.version, cause: reasonOf(cause) });
    throw new Refusal("quota_unavailable", {
      say: "The ledger is out of reach, so the change is not in force. Repeat the request.",
      retryAfterMs: 1_000,
      log: `publish of ${record.id} failed`,
      cause,
    });
  }
}
