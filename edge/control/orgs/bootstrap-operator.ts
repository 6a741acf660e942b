import { createRoute, z } from "@hono/zod-openapi";
import { mintOrgId } from "../../agreements/tokens/placement.ts";
import { mintKey } from "../../agreements/tokens/key-format.ts";
import { Refusal } from "../../errors.ts";
import { authenticateBootstrap } from "../http/access.ts";
import { takeBody } from "../http/body.ts";
import { defineOpenEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { KeyWithSecret, toKey } from "../keys/key.ts";
import { insertFirstOperatorKey } from "../keys/insert-queries.ts";
import { publishOrg } from "../publishing/publish.ts";
import { resolveLimits, Org, toOrg } from "./org.ts";
import { KeyRow } from "../keys/queries.ts";
import { commitAudited, readAddress } from "../audit/commit.ts";
import { ensureOperatorOrg } from "./queries.ts";

const Answer = z.strictObject({ org: Org, key: KeyWithSecret }).openapi("Bootstrap");

/**
 * Makes the house's own org and its first key, for the holder of the bootstrap token. Refused with 409 while an
 * operator key is in force; when the last one has been revoked or has expired, this is the way back in.
 */
export const bootstrapOperator = defineOpenEndpoint(
  createRoute({
    method: "post",
    path: "/bootstrap",
    operationId: "bootstrapOperator",
    tags: ["orgs"],
    summary: "Create the first operator key",
    security: [{ bootstrapToken: [] }],
    middleware: [authenticateBootstrap, takeBody],
    request: { body: noBody },
    responses: {
      201: describeJsonAnswer("The operator's org and key; `secret` is shown this once.", Answer),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { visit, control } = c.var;
    const nowMs = visit.now();
    const random = (bytes: number) => visit.random(bytes);
    const stored = await ensureOperatorOrg(
      control.db,
      mintOrgId("own", random),
      resolveLimits("enterprise", undefined),
      nowMs,
    );
    // Before the key is stored: were the ledger out of reach after it, the secret would be lost and the bootstrap
    // closed.
    const org = await publishOrg(c, stored);
    const minted = await mintKey("admin", org.id, control.keyring, random);
    const draft = { ...minted, org: org.id, createdAtMs: nowMs };
    const actor = { kind: "house", id: "bootstrap", name: "bootstrap", ip: readAddress(c) } as const;
    const [made] = await commitAudited(
      { db: control.db, actor, visit },
      {
        org: org.id,
        action: "key.created",
        target: minted.id,
        before: null,
        after: { kind: "admin", role: "operator", hint: minted.hint },
        change: insertFirstOperatorKey(control.db, draft),
      },
    );
    const key = KeyRow.optional().parse(made);
    if (!key) throw new Refusal("conflict", { message: "There is an operator key already." });
    visit.log("control_changed", { change: "bootstrapped", org: org.id, key: key.id });
    return c.json({ org: toOrg(org), key: { ...toKey(key, nowMs), secret: minted.text } }, 201);
  },
);
