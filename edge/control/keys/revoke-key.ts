import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { KeyId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { winRace } from "../audit/races.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishKey } from "../publishing/publish.ts";
import { commitKeyStep } from "./commit-key.ts";
import { Key, KeyPath, readOwner, toKey } from "./key.ts";
import { findKey, revokeKeyRow, type KeyRow } from "./queries.ts";

/**
 * Revokes a key: once it has answered, the next call is refused (S1). Repeating it keeps the first moment, and heals a
 * revoke that got a 503; only the first is an event.
 */
export const revokeKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/keys/{key}/revoke",
    operationId: "revokeKey",
    tags: ["keys"],
    summary: "Revoke a key",
    request: { params: KeyPath, body: noBody },
    responses: { 200: describeJsonAnswer("The key, revoked.", Key), default: refusalAnswer },
  }),
  async (c) => {
    const row = await endKeyNow(c, c.req.valid("param").key);
    return c.json(toKey(row, c.var.visit.now()), 200);
  },
);

/** Revokes a key of the org, as whoever asks may, and publishes it. */
export async function endKeyNow(c: Context<ControlEnv>, id: KeyId): Promise<KeyRow> {
  return publishKey(c, await commitRevoke(c, id));
}

async function commitRevoke(c: Context<ControlEnv>, id: KeyId): Promise<KeyRow> {
  const { visit, control, org } = c.var;
  return winRace("a key", async () => {
    const known = await findKey(control.db, org.id, id, readOwner(c));
    if (!known) throw new Refusal("not_found");
    refuseUnlessInCharge(c, known.kind);
    const nowMs = visit.now();
    const isRepeated = known.revoked_at_ms !== null;
    const revokedAtMs = known.revoked_at_ms ?? nowMs;
    const before = { revokedAtMs: known.revoked_at_ms };
    const event = { type: "key.revoked", body: { key: id, revokedAtMs } } as const;
    const change = revokeKeyRow(control.db, id, nowMs, isRepeated);
    return (await commitKeyStep(c, event, change, { before, isRepeated })) ?? undefined;
  });
}
