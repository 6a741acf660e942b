import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { logChange, publishKey } from "../http/publish.ts";
import { Key, KeyPath, toKey } from "./key.ts";
import { findKey, revokeKeyRow } from "./queries.ts";

/**
 * Revokes a key: once it has answered, the next call is refused (S1). Repeating it keeps the first moment, and heals a
 * revoke that got a 503.
 */
export const revokeKey = defineEndpoint(
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
    const known = await findKey(control.db, org.id, c.req.valid("param").key);
    if (!known) throw new Refusal("not_found");
    refuseUnlessInCharge(c, known.kind);
    const row = await revokeKeyRow(control.db, known.id, visit.now());
    if (!row) throw new Refusal("not_found");
    await publishKey(c, row);
    logChange(c, "key_revoked", { org: org.id, key: row.id });
    return c.json(toKey(row, visit.now()), 200);
  },
);
