import { createRoute, z } from "@hono/zod-openapi";
import { findLoginByDomain } from "../../company-login/queries.ts";
import { describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { Email } from "../answers.ts";
import { readMailDomain } from "../company/admit.ts";
import { countForNetwork, defineStep } from "../step.ts";

const Body = z.strictObject({ email: Email }).openapi("LoginSearch");
const Answer = z
  .strictObject({
    login: z.union([z.strictObject({ id: z.string(), name: z.string() }), z.null()]).openapi({
      description: "The company login of the address's domain: `provider` of `POST /auth/sign-in/oidc`.",
    }),
  })
  .openapi("FoundLogin");

/** Finds the company login of an address, by its domain alone: no answer tells whether somebody is known by it. */
export const findLoginWay = defineStep(
  createRoute({
    method: "post",
    path: "/sign-in/company",
    operationId: "findCompanyLogin",
    tags: ["sign-in"],
    summary: "Find the company login of an address",
    security: [],
    middleware: [countForNetwork("tryByNetwork")],
    request: { body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The login, or none.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const row = await findLoginByDomain(c.var.control.db, readMailDomain(c.req.valid("json").email));
    return c.json({ login: row && { id: row.id, name: row.name } }, 200);
  },
);
