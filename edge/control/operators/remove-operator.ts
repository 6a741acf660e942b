import { createRoute, z } from "@hono/zod-openapi";
import { UserId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { requireOperator } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { logChange } from "../http/publish.ts";
import { Operator, toOperator } from "./operator.ts";
import { unmakeOperator } from "./queries.ts";

/** Takes the word back: at her next request she is an operator no more. */
export const removeOperator = defineEndpoint(
  createRoute({
    method: "delete",
    path: "/operators/{user}",
    operationId: "removeOperator",
    tags: ["orgs"],
    summary: "Make an operator a person like others",
    middleware: [requireOperator],
    request: { params: z.strictObject({ user: UserId }), body: noBody },
    responses: { 200: describeJsonAnswer("Who was an operator.", Operator), default: refusalAnswer },
  }),
  async (c) => {
    const { control, visit, admin } = c.var;
    const row = await unmakeOperator(control.db, c.req.valid("param").user, visit.now());
    if (!row) throw new Refusal("not_found");
    logChange(c, "operator_removed", { org: admin.org, key: row.id });
    return c.json(toOperator(row), 200);
  },
);
