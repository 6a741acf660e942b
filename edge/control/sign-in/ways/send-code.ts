import { createRoute, z } from "@hono/zod-openapi";
import type { Mail } from "../../../agreements/mail.ts";
import { Refusal } from "../../../errors.ts";
import { codeMs } from "../../../agreements/settings/sign-in-limits.ts";
import { describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { Email } from "../answers.ts";
import { countForNetwork, defineStep, takeStep } from "../step.ts";

const Body = z.strictObject({ email: Email }).openapi("SignInCodeRequest");
const Answer = z
  .strictObject({
    isSent: z.literal(true),
    expiresInSeconds: z.int(),
    localCode: z
      .string()
      .nullable()
      .openapi({ description: "The code itself, where mail stays on this machine (`MAIL=local`); else null." }),
  })
  .openapi("SignInCode");

const loopbackHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Mails a code of six digits, whether or not somebody is known by that address. The one before it is void. When the
 * mail does not go out the caller hears so, and may ask again: that try is not counted.
 */
export const sendCode = defineStep(
  createRoute({
    method: "post",
    path: "/codes",
    operationId: "sendSignInCode",
    tags: ["sign-in"],
    summary: "Mail a code to sign in with",
    security: [],
    middleware: [countForNetwork("codeByNetwork")],
    request: { body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The mail is on its way.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, visit, signIn, origin } = c.var;
    const { email } = c.req.valid("json");
    const { mailer } = control;
    if (!mailer)
      throw new Refusal("mail_unavailable", {
        message: "No mail can be sent here: it is not set up.",
        mayRetry: false,
      });
    // A setting that was left behind must not hand codes to the world.
    if (mailer.isLocal && !loopbackHosts.has(new URL(origin).hostname))
      throw new Refusal("misconfigured", { log: "MAIL is local, and this is no loopback address" });
    const uncount = await signIn.tries.count("codeByAccount", email, visit.now());
    const { code } = await takeStep(c, { kind: "makeCode", email });
    if (code === null) throw new Refusal("internal", { log: "no code was made" });
    try {
      await mailer.send(writeMail(email, code, new URL(origin).host));
    } catch (cause) {
      await uncount();
      throw new Refusal("mail_unavailable", { retryAfterMs: 5_000, log: "mail did not go out", cause });
    }
    const localCode = mailer.isLocal ? code : null;
    return c.json({ isSent: true as const, expiresInSeconds: codeMs / 1_000, localCode }, 200);
  },
);

function writeMail(to: string, code: string, host: string): Mail {
  const minutes = codeMs / 60_000;
  return {
    to,
    subject: `${code} is your code for ${host}`,
    text:
      `Your code to sign in at ${host} is\n\n    ${code}\n\n` +
      `It works once, within ${minutes} minutes. Nobody of ours will ask you for it.\n` +
      "If you did not ask for it, somebody mistyped an address: nothing has happened, and nothing is to be done.\n",
  };
}
