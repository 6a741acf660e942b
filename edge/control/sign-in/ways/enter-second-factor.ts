import { createRoute, z } from "@hono/zod-openapi";
import { describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { SignInResult, SixDigits } from "../answers.ts";
import { countForNetwork, defineStep, takeStep } from "../step.ts";

const TotpBody = z.strictObject({ code: SixDigits }).openapi("SignInWithTotp");
const BackupBody = z
  .strictObject({ code: z.string().trim().min(8).max(32).openapi({ description: "One of the backup codes." }) })
  .openapi("SignInWithBackupCode");

const both = {
  method: "post" as const,
  tags: ["sign-in"],
  security: [],
  middleware: [countForNetwork("tryByNetwork")],
  responses: { 200: describeJsonAnswer("Signed in.", SignInResult), default: refusalAnswer },
};

/** The second step of who has an authenticator app. Five wrong codes void the first step, ten lock the account. */
export const enterTotp = defineStep(
  createRoute({
    ...both,
    path: "/sign-in/totp",
    operationId: "signInWithTotp",
    summary: "Finish signing in with a code of the authenticator app",
    request: { body: describeJsonBody(TotpBody) },
  }),
  async (c) => {
    await takeStep(c, { kind: "enterTotp", code: c.req.valid("json").code });
    return c.json({ status: "signed_in" as const }, 200);
  },
);

/** The same for who has lost it. A backup code works once. */
export const enterBackupCode = defineStep(
  createRoute({
    ...both,
    path: "/sign-in/backup-code",
    operationId: "signInWithBackupCode",
    summary: "Finish signing in with a backup code",
    request: { body: describeJsonBody(BackupBody) },
  }),
  async (c) => {
    await takeStep(c, { kind: "enterBackupCode", code: c.req.valid("json").code });
    return c.json({ status: "signed_in" as const }, 200);
  },
);
