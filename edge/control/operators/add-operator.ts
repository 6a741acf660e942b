import { createRoute, z } from "@hono/zod-openapi";
import { generateBase62 } from "../../agreements/tokens/ids.ts";
import { requireOperator } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { logChange } from "../http/publish.ts";
import { Email } from "../sign-in/answers.ts";
import { Operator, toOperator } from "./operator.ts";
import { makeOperator } from "./queries.ts";

const Body = z.strictObject({ email: Email }).openapi("OperatorAddition");

/** Makes whoever proves an address of mail an operator. Repeating it changes nothing. */
export const addOperator = defineEndpoint(
  createRoute({
    method: "post",
    path: "/operators",
    operationId: "addOperator",
    tags: ["orgs"],
    summary: "Make a person an operator",
    middleware: [requireOperator],
    request: { body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The operator.", Operator), default: refusalAnswer },
  }),
  async (c) => {
    const { control, visit, admin } = c.var;
    const id = `user_${generateBase62(22, (bytes) => visit.random(bytes))}`;
    const row = await makeOperator(control.db, { id, email: c.req.valid("json").email, nowMs: visit.now() });
    logChange(c, "operator_added", { org: admin.org, key: row.id });
    return c.json(toOperator(row), 201);
  },
);
