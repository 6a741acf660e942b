import { createRoute, z } from "@hono/zod-openapi";
import { isObject } from "../../../agreements/json.ts";
import { describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { Email, OwnName, SignInResult, SixDigits } from "../answers.ts";
import { countForNetwork, defineStep, takeStep } from "../step.ts";

const Body = z
  .strictObject({
    email: Email,
    code: SixDigits,
    name: OwnName.optional().openapi({ description: "What a new person is called." }),
  })
  .openapi("SignInWithCode");

/**
 * Signs in with the code that was mailed; who was not known is known from then on. A code works once, for ten minutes,
 * and five wrong ones void it.
 */
export const enterCode = defineStep(
  createRoute({
    method: "post",
    path: "/sign-in/code",
    operationId: "signInWithCode",
    tags: ["sign-in"],
    summary: "Sign in with a code that was mailed",
    security: [],
    middleware: [countForNetwork("tryByNetwork")],
    request: { body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("Signed in, or half the way.", SignInResult), default: refusalAnswer },
  }),
  async (c) => {
    const { email, code, name } = c.req.valid("json");
    await c.var.signIn.tries.count("tryByAccount", email, c.var.visit.now());
    const { body } = await takeStep(c, { kind: "enterCode", email, code, name });
    const needsMore = isObject(body) && body["twoFactorRedirect"] === true;
    return c.json({ status: needsMore ? ("second_factor_needed" as const) : ("signed_in" as const) }, 200);
  },
);
