import { createRoute, z } from "@hono/zod-openapi";
import { describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { Credential, CredentialOptions, SignInResult } from "../answers.ts";
import { countForNetwork, defineStep, takeStep } from "../step.ts";

const Body = z.strictObject({ credential: Credential }).openapi("SignInWithPasskey");

/** A challenge for any passkey of this host; it is good for some minutes, and once. */
export const askPasskey = defineStep(
  createRoute({
    method: "post",
    path: "/sign-in/passkey/options",
    operationId: "askForPasskey",
    tags: ["sign-in"],
    summary: "What a browser needs to ask for a passkey",
    security: [],
    middleware: [countForNetwork("tryByNetwork")],
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("The options.", CredentialOptions), default: refusalAnswer },
  }),
  async (c) => {
    const { body } = await takeStep(c, { kind: "askPasskey" });
    return c.json({ ...CredentialOptions.parse(body), userVerification: "required" }, 200);
  },
);

/** Signs in with a passkey, which is two factors by itself: it has asked its owner who she is, or it is refused. */
export const showPasskey = defineStep(
  createRoute({
    method: "post",
    path: "/sign-in/passkey",
    operationId: "signInWithPasskey",
    tags: ["sign-in"],
    summary: "Sign in with a passkey",
    security: [],
    middleware: [countForNetwork("tryByNetwork")],
    request: { body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("Signed in.", SignInResult), default: refusalAnswer },
  }),
  async (c) => {
    await takeStep(c, { kind: "showPasskey", response: c.req.valid("json").credential });
    return c.json({ status: "signed_in" as const }, 200);
  },
);
