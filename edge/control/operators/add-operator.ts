import { createRoute, z } from "@hono/zod-openapi";
import { mintControlId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Email } from "../sign-in/answers.ts";
import { Operator, requireOperatorOrg, toOperator } from "./operator.ts";
import { findOperatorByEmail, findUserId, makeOperator, OperatorRow } from "./queries.ts";

const Body = z.strictObject({ email: Email }).openapi("OperatorAddition");

/** Makes whoever proves an address of mail an operator. Repeating it changes nothing. */
export const addOperator = defineEndpoint(
  "operators.write",
  createRoute({
    method: "post",
    path: "/operators",
    operationId: "addOperator",
    tags: ["orgs"],
    summary: "Make a person an operator",
    request: { body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The operator.", Operator), default: refusalAnswer },
  }),
  async (c) => {
    const { control, visit } = c.var;
    const { email } = c.req.valid("json");
    const org = await requireOperatorOrg(control.db);
    const known = await findUserId(control.db, email);
    const id = known ?? mintControlId("user", (bytes) => visit.random(bytes));
    const [made] = await commitChange(c, {
      org,
      action: "operator.added",
      target: id,
      before: null,
      after: { email },
      change: makeOperator(control.db, { id, email, nowMs: visit.now() }),
    });
    const row = made === undefined ? await findOperatorByEmail(control.db, email) : OperatorRow.parse(made);
    if (!row)
      throw new Refusal("conflict", { message: "They were made an operator, and no operator again, meanwhile." });
    return c.json(toOperator(row), 201);
  },
);
