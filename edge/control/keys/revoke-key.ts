import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { publishKey } from "../http/publish.ts";
import { commitKeyStep } from "./commit-key.ts";
import { Key, KeyPath, readOwner, toKey } from "./key.ts";
import { findKey, revokeKeyRow } from "./queries.ts";

/**
 * Revokes a key: once it has answered, the next call is refused (S1). Repeating it keeps the first moment, and heals a
 * revoke that got a 503.
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
    const { visit, control, org } = c.var;
    const known = await findKey(control.db, org.id, c.req.valid("param").key, readOwner(c));
    if (!known) throw new Refusal("not_found");
    refuseUnlessInCharge(c, known.kind);
    const nowMs = visit.now();
    const revokedAtMs = known.revoked_at_ms ?? nowMs;
    const before = { revokedAtMs: known.revoked_at_ms };
    const event = { type: "key.revoked", body: { key: known.id, revokedAtMs } } as const;
    const row = await commitKeyStep(c, event, revokeKeyRow(control.db, known.id, nowMs), before);
    if (!row) throw new Refusal("not_found");
    await publishKey(c, row);
    return c.json(toKey(row, visit.now()), 200);
  },
);
