import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { LedgerState } from "../../ledger/port.ts";
import { HoldId, KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import { Limits } from "../../agreements/records/quota.ts";
import { Refusal } from "../../errors.ts";
import { endpoint, jsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { iso, isoOrNull, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import type { ControlEnv } from "../http/port.ts";

const Window = z
  .strictObject({
    window: Limits.keyof(),
    of: z.string().openapi({ description: "`org`, or the id of a key with a limit of its own." }),
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

const Answer = z
  .strictObject({
    org: OrgId,
    at: Timestamp,
    windows: z.array(Window),
    openHolds: z.array(OpenHold),
    outboxRows: z.int(),
  })
  .openapi("Ledger");

/** Shows every window of an org as its ledger keeps it: `limit = remaining + held + settled`. */
export const showLedger = endpoint(
  createRoute({
    method: "get",
    path: "/orgs/{org}/ledger",
    operationId: "showLedger",
    tags: ["usage"],
    summary: "Show the ledger",
    request: { params: OrgPath },
    responses: { 200: jsonAnswer("The ledger's state.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const state = await inspect(c);
    if (!state)
      throw new Refusal("conflict", {
        say: "This org has not come into force; set its name, plan or limits once more.",
      });
    const windows = state.windows.map(({ resetAtMs, ...window }) => ({ ...window, resetAt: isoOrNull(resetAtMs) }));
    const openHolds = state.openHolds.map(({ expiresAtMs, ...hold }) => ({ ...hold, expiresAt: iso(expiresAtMs) }));
    return c.json({ org: state.org, at: iso(state.atMs), windows, openHolds, outboxRows: state.outboxRows }, 200);
  },
);

async function inspect(c: Context<ControlEnv>): Promise<LedgerState | null> {
  try {
    return await c.var.control.publisher.inspect(c.var.org.id);
  } catch (cause) {
    throw new Refusal("quota_unavailable", {
      say: "The ledger is out of reach.",
      retryAfterMs: 1_000,
      log: "inspect failed",
      cause,
    });
  }
}
