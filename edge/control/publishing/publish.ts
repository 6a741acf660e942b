import type { Context } from "hono";
import { describeCause, Refusal } from "../../errors.ts";
import type { PublishedRecord } from "../../ledger/port.ts";
import { toKeyRecord, type KeyRow } from "../keys/queries.ts";
import { toOrgRecord, type OrgRow } from "../orgs/queries.ts";
import { toProjectRecord, type ProjectRow } from "../projects/queries.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishRecord } from "./publish-record.ts";

/**
 * Publishes an org as stored, and returns it as it is then. Refuses with 503 when the ledger is unavailable: repeating
 * the request heals that at once, the cron within a minute (`publishLeft`).
 */
export async function publishOrg(c: Context<ControlEnv>, row: OrgRow): Promise<OrgRow> {
  await publish(c, toOrgRecord(row));
  return markRow(row);
}

/** Publishes a key as stored. Admin keys are read from D1 on every request, so no ledger needs them. */
export async function publishKey(c: Context<ControlEnv>, row: KeyRow): Promise<KeyRow> {
  if (row.kind === "inference") await publish(c, toKeyRecord(row));
  return markRow(row);
}

const atOnce = 8;

/** Publishes many keys, some at a time; the first that fails refuses with 503, and repeating publishes all again. */
export async function publishKeys(c: Context<ControlEnv>, rows: readonly KeyRow[]): Promise<void> {
  const left = rows.values();
  const publishLeft = async () => {
    for (const row of left) await publishKey(c, row);
  };
  await Promise.all(Array.from({ length: atOnce }, publishLeft));
}

/** Publishes a project as stored; before any key that names it. */
export async function publishProject(c: Context<ControlEnv>, row: ProjectRow): Promise<ProjectRow> {
  await publish(c, toProjectRecord(row));
  return markRow(row);
}

function markRow<Row extends { version: number }>(row: Row): Row & { published_version: number } {
  return { ...row, published_version: row.version };
}

/** Runs the clean-up after a failure: if it fails itself that is logged, and hides nothing. */
export async function cleanUp(c: Context<ControlEnv>, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    c.var.visit.log("clean_up_failed", { cause: describeCause(cause) });
  }
}

async function publish(c: Context<ControlEnv>, record: PublishedRecord): Promise<void> {
  const { control, visit } = c.var;
  try {
    await publishRecord(control, record);
  } catch (cause) {
    visit.log("publish_failed", { id: record.id, version: record.version, cause: describeCause(cause) });
    throw new Refusal("quota_unavailable", {
      message: "The ledger is out of reach, so the change is not in force. Repeat the request.",
      retryAfterMs: 1_000,
      log: `publish of ${record.id} failed`,
      cause,
    });
  }
}
