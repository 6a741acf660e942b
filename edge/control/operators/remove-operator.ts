import { createRoute, z } from "@hono/zod-openapi";
import { UserId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { Operator, requireOperatorOrg, toOperator } from "./operator.ts";
import { findOperator, OperatorRow, unmakeOperator } from "./queries.ts";

/** Takes the word back: at her next request she is an operator no more. */
export const removeOperator = defineEndpoint(
  "operators.write",
  createRoute({
    method: "delete",
    path: "/operators/{user}",
    operationId: "removeOperator",
    tags: ["orgs"],
    summary: "Make an operator a person like others",
    request: { params: z.strictObject({ user: UserId }), body: noBody },
    responses: { 200: describeJsonAnswer("Who was an operator.", Operator), default: refusalAnswer },
  }),
  async (c) => {
    const { control, visit } = c.var;
    const { user } = c.req.valid("param");
    const known = await findOperator(control.db, user);
    if (!known) throw new Refusal("not_found");
    const [unmade] = await commitChange(c, {
      org: await requireOperatorOrg(control.db),
      action: "operator.removed",
      target: user,
      before: { email: known.email },
      after: null,
      change: unmakeOperator(control.db, user, visit.now()),
    });
    if (unmade === undefined) throw new Refusal("not_found");
    return c.json(toOperator(OperatorRow.parse(unmade)), 200);
  },
);
