import { createRoute, z } from "@hono/zod-openapi";
import { describeJsonAnswer, refusalAnswer } from "../../http/endpoint.ts";
import { defineStep } from "../step.ts";

const Answer = z
  .strictObject({
    code: z.boolean().openapi({ description: "A code by mail. False where no mail can be sent." }),
    passkey: z.boolean(),
    oidc: z.array(z.strictObject({ id: z.string(), name: z.string() })),
    isLocalMail: z.boolean().openapi({ description: "Mail stays on this machine: a code is in the answer, too." }),
  })
  .openapi("WaysIn");

/** Lists the ways in. */
export const listWays = defineStep(
  createRoute({
    method: "get",
    path: "/ways",
    operationId: "listSignInWays",
    tags: ["sign-in"],
    summary: "How people can sign in here",
    security: [],
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The ways in.", Answer), default: refusalAnswer },
  }),
  (c) => {
    const { mailer } = c.var.control;
    const oidc = c.var.signIn.issuers.map(({ id, name }) => ({ id, name }));
    return c.json({ code: mailer !== null, passkey: true, oidc, isLocalMail: mailer?.isLocal ?? false }, 200);
  },
);
