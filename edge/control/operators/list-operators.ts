import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { Operator, toOperator } from "./operator.ts";
import { selectOperators } from "./queries.ts";

const Answer = z.strictObject({ rows: z.array(Operator) }).openapi("Operators");

/** Lists the people who are operators. */
export const listOperators = defineEndpoint(
  "operators.write",
  createRoute({
    method: "get",
    path: "/operators",
    operationId: "listOperators",
    tags: ["orgs"],
    summary: "List the people who are operators",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The operators.", Answer), default: refusalAnswer },
  }),
  async (c) => c.json({ rows: (await selectOperators(c.var.control.db)).map(toOperator) }, 200),
);
