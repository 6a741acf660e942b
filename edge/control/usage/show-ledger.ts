import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { LedgerState } from "../../ledger/port.ts";
import { HoldId, KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import { LeaseId } from "../../agreements/tokens/lease.ts";
import { Window } from "../../agreements/records/quota.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, formatIsoOrNull, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { ControlEnv } from "../http/port.ts";

const LedgerWindow = z
  .strictObject({
    window: Window,
    of: z.string().openapi({ description: "`org`, or the id of a project or a key with a limit of its own." }),
    limit: z.int().nullable(),
    remaining: z.int().nullable(),
    held: z.int(),
    settled: z.int(),
    resetAt: Timestamp.nullable(),
  })
  .openapi("LedgerWindow");

const OpenHold = z
  .strictObject({ hold: HoldId, key: KeyId, tokens: z.int(), expiresAt: Timestamp })
  .openapi("LedgerHold");

const OpenLease = z
  .strictObject({ lease: LeaseId, key: KeyId, calls: z.int(), tokens: z.int(), endsAt: Timestamp })
  .openapi("LedgerLease", { description: "What an isolate may admit by itself, or has admitted and is not settled." });

const Answer = z
  .strictObject({
    org: OrgId,
    at: Timestamp,
    windows: z.array(LedgerWindow),
    openHolds: z.array(OpenHold),
    leases: z.array(OpenLease),
    outboxRows: z.int(),
  })
  .openapi("Ledger");

/** Shows every window of an org as its ledger keeps it: `limit = remaining + held + settled`. */
export const showLedger = defineEndpoint(
  "limits.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/ledger",
    operationId: "showLedger",
    tags: ["usage"],
    summary: "Show the ledger",
    request: { params: OrgPath },
    responses: { 200: describeJsonAnswer("The ledger's state.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const state = await inspect(c);
    if (!state)
      throw new Refusal("conflict", {
        message: "This org has not come into force; set its name, plan or limits once more.",
      });
    const windows = state.windows.map(({ resetAtMs, ...window }) => ({
      ...window,
      resetAt: formatIsoOrNull(resetAtMs),
    }));
    const openHolds = state.openHolds.map(({ expiresAtMs, ...hold }) => ({
      ...hold,
      expiresAt: formatIso(expiresAtMs),
    }));
    const leases = state.leases.map(({ endsAtMs, ...lease }) => ({ ...lease, endsAt: formatIso(endsAtMs) }));
    const { org, outboxRows } = state;
    return c.json({ org, at: formatIso(state.atMs), windows, openHolds, leases, outboxRows }, 200);
  },
);

async function inspect(c: Context<ControlEnv>): Promise<LedgerState | null> {
  try {
    return await c.var.control.publisher.inspect(c.var.org.id);
  } catch (cause) {
    throw new Refusal("quota_unavailable", {
      message: "The ledger is out of reach.",
      retryAfterMs: 1_000,
      log: "inspect failed",
      cause,
    });
  }
}
