import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { auditOrg } from "./commit-org.ts";
import { Org, OrgPath, toOrg } from "./org.ts";

const Body = z
  .strictObject({ placement: z.literal("own").describe("Where its ledger shall be kept: an object of its own.") })
  .openapi("OrgMove");

/**
 * Moves an org's ledger from its shard to an object of its own; until it is there, its calls are refused with 503. What
 * fails half-way goes on when it is repeated, and what is done is done: once more changes nothing.
 */
export const moveOrg = defineEndpoint(
  "plan.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/move",
    operationId: "moveOrg",
    tags: ["orgs"],
    summary: "Move an org's ledger out of its shard",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    if (!control.mover) throw new Refusal("conflict", { message: "Ledgers are in Redis: there is nothing to move." });
    try {
      await control.mover.move(org.id);
    } catch (cause) {
      throw new Refusal("quota_unavailable", {
        message: "The move is not done. Repeat the request: it goes on where it is.",
        retryAfterMs: 1_000,
        log: `move of ${org.id} failed`,
        cause,
      });
    }
    await auditOrg(c, "org.moved", { before: null, after: { placement: "own" } });
    return c.json(toOrg(org), 200);
  },
);
