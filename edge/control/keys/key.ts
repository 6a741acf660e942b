import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId, OrgId, ProjectId } from "../../agreements/tokens/ids.ts";
import { Endpoint } from "../../agreements/records/model.ts";
import { KeyLimits } from "../../agreements/records/quota.ts";
import { Refusal } from "../../errors.ts";
import { keyRetentionMs, keysInForceMax, keysKeptMax } from "../../limits.ts";
import { formatIso, formatIsoOrNull, IsPublished, Timestamp } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import type { Database } from "../http/store.ts";
import { OrgPath } from "../orgs/org.ts";
import type { OrgRow } from "../orgs/queries.ts";
import { isInForce, type KeyRow } from "./queries.ts";
import { countKept, countKeys, type KeyRoom } from "./insert-queries.ts";

/**
 * A key as lists show it: `hint` is its prefix, public part and last four. `null` for endpoints, models, ipCidrs means
 * any.
 */
export const Key = z
  .strictObject({
    id: KeyId,
    org: OrgId,
    kind: z.enum(["inference", "admin"]),
    role: z.enum(["operator", "admin"]).nullable(),
    name: z.string(),
    hint: z.string(),
    state: z.enum(["active", "expired", "revoking", "revoked"]).openapi({
      description: "`revoking`: revoked, yet the data plane has not heard of it, so that calls may still pass.",
    }),
    endpoints: z.array(Endpoint).nullable(),
    models: z.array(z.string()).nullable(),
    ipCidrs: z.array(z.string()).nullable(),
    limits: KeyLimits.nullable(),
    expiresAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
    replaces: KeyId.nullable(),
    project: ProjectId.nullable(),
    owner: z.string().nullable().openapi({ description: "The person or service account that it is for." }),
    version: z.int(),
    isPublished: IsPublished,
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable().openapi({
      description:
        "When its last call on the bill began, to the minute; `null` while none is. A call is there seconds after it " +
        "has ended. Of admin keys it is always `null`.",
    }),
  })
  .openapi("Key");

/** A new key, with its text: the one answer that ever shows it. */
export const KeyWithSecret = z
  .strictObject({ ...Key.shape, secret: z.string().openapi({ description: "The key. Shown this once." }) })
  .openapi("KeyWithSecret");

/** A key that was just made, and its text, which is nowhere else. */
export interface MadeKey {
  row: KeyRow;
  secret: string;
}

/** The path's parts that name a key of an org. */
export const KeyPath = OrgPath.extend({ key: KeyId });

/** The answer for a row. */
export function toKey(row: KeyRow, nowMs: number): z.infer<typeof Key> {
  const { id, org, kind, role, name, hint, endpoints, models, limits, replaces, project, owner, version } = row;
  return {
    id,
    org,
    kind,
    role,
    name,
    hint,
    state: readKeyState(row, nowMs),
    endpoints,
    models,
    ipCidrs: row.ip_cidrs,
    limits,
    expiresAt: formatIsoOrNull(row.expires_at_ms),
    revokedAt: formatIsoOrNull(row.revoked_at_ms),
    replaces,
    project,
    owner,
    version,
    isPublished: isPublished(row),
    createdAt: formatIso(row.created_at_ms),
    lastUsedAt: formatIsoOrNull(row.last_used_at_ms),
  };
}

/** Whose keys the request may reach: null is everybody's; who has only their own finds no others. */
export function readOwner(c: Context<ControlEnv>): string | null {
  return c.var.reach === "own" ? c.var.principal.id : null;
}

/** A key that is made to expire must not have expired yet. */
export function refusePast(expiresAtMs: number | null | undefined, nowMs: number): void {
  if (typeof expiresAtMs !== "number" || expiresAtMs > nowMs) return;
  throw new Refusal("invalid_value", { param: "expiresAt", message: "expiresAt: Must be in the future." });
}

/**
 * An admin key ends no later than the one that makes it, or gets it to end: else whoever holds a key for a while could
 * make one for ever of it.
 */
export function refuseOutliving(c: Context<ControlEnv>, kind: KeyRow["kind"], expiresAtMs: number | null): void {
  const { kind: by, expiresAtMs: ownEndMs } = c.var.principal;
  if (by !== "key" || kind !== "admin" || ownEndMs === null || (expiresAtMs !== null && expiresAtMs <= ownEndMs))
    return;
  throw new Refusal("invalid_value", {
    param: "expiresAt",
    message: `expiresAt: An admin key must not end later than the key that makes it, at ${formatIso(ownEndMs)}.`,
  });
}

/** Why an org has no room for one more key; `null` when it has. */
export async function findFull(db: Database, org: OrgRow, max: KeyRoom, nowMs: number): Promise<Refusal | null> {
  if ((await countKeys(db, org.id, nowMs)) >= max.inForce) return refuseFull(max);
  if ((await countKept(db, org.id, nowMs)) < max.kept) return null;
  const which = `keys in force or ended in the last ${keyRetentionMs / 86_400_000} days`;
  return new Refusal("conflict", { message: `The organization has ${max.kept} ${which}, as many as it may have.` });
}

/** Refuses a key for which its org has no room: so many in force are as many as it may have. */
export function refuseFull({ inForce }: KeyRoom): Refusal {
  return new Refusal("conflict", {
    message: `The organization has ${inForce} keys in force, as many as it may have. Revoke one that is not needed.`,
  });
}

/**
 * How many keys an org may have when one of this kind joins them. In the house's own org inference keys leave room for
 * the operator key that the bootstrap makes when there is none.
 */
export function readKeyRoom(org: OrgRow, kind: KeyRow["kind"]): KeyRoom {
  const spare = org.is_operator !== 0 && kind === "inference" ? 1 : 0;
  return { inForce: keysInForceMax - spare, kept: keysKeptMax };
}

function readKeyState(row: KeyRow, nowMs: number): z.infer<typeof Key>["state"] {
  if (row.revoked_at_ms !== null) return isPublished(row) ? "revoked" : "revoking";
  return isInForce(row, nowMs) ? "active" : "expired";
}

/** Admin keys are read from D1 at each request. */
function isPublished({ kind, version, published_version }: KeyRow): boolean {
  return kind === "admin" || published_version >= version;
}
