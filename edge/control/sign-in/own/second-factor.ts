import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { SignInResult, SixDigits } from "../answers.ts";
import { markSecondFactor } from "../queries.ts";
import { defineStep, requireConfirmed, requireOwnSession, requireSession, takeStep } from "../step.ts";

const Added = z
  .strictObject({
    totpUri: z.string().openapi({ description: "`otpauth://…`, for the QR code. Shown this once." }),
    backupCodes: z.array(z.string()),
  })
  .openapi("SecondFactorAdded");
const Renewed = z.strictObject({ backupCodes: z.array(z.string()) }).openapi("BackupCodes");
const Removed = z.strictObject({ isRemoved: z.literal(true) }).openapi("SecondFactorRemoved");
const Confirmation = z.strictObject({ code: SixDigits }).openapi("SecondFactorConfirmation");
const own = { tags: ["sign-in"], security: [{ session: [] }] };
const changing = { ...own, middleware: [requireSession, requireOwnSession, requireConfirmed] };

/** Sets up an authenticator app. It is asked for at the next sign-in only after a code of it was confirmed. */
export const addTotp = defineStep(
  createRoute({
    ...changing,
    method: "post",
    path: "/second-factor",
    operationId: "addSecondFactor",
    summary: "Set up an authenticator app",
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("What the app needs, and backup codes.", Added), default: refusalAnswer },
  }),
  async (c) => {
    const { body } = await takeStep(c, { kind: "addTotp" });
    const { totpURI, backupCodes } = z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) }).parse(body);
    return c.json({ totpUri: totpURI, backupCodes }, 200);
  },
);

/** Confirms a second factor: a new one comes into force, and this session counts as proven by it. */
export const confirmTotp = defineStep(
  createRoute({
    ...own,
    middleware: [requireSession, requireOwnSession],
    method: "post",
    path: "/second-factor/confirm",
    operationId: "confirmSecondFactor",
    summary: "Confirm the second factor in this session",
    request: { body: describeJsonBody(Confirmation) },
    responses: { 200: describeJsonAnswer("Confirmed.", SignInResult), default: refusalAnswer },
  }),
  async (c) => {
    const { control, me, visit, signIn } = c.var;
    const { code } = c.req.valid("json");
    await signIn.tries.count("tryByAccount", me.user, visit.now());
    const { cookies } = await takeStep(c, { kind: "enterTotp", code });
    // The first confirmation begins a new session, which has used the code up; a later one does so here.
    if (cookies.length === 0) {
      if (!(await signIn.tries.spendTotp(me.user, code, visit.now()))) throw new Refusal("invalid_code");
      await markSecondFactor(control.db, me.session);
    }
    return c.json({ status: "signed_in" as const }, 200);
  },
);

/** Takes the second factor away, in a session that has shown it. */
export const removeTotp = defineStep(
  createRoute({
    ...changing,
    method: "delete",
    path: "/second-factor",
    operationId: "removeSecondFactor",
    summary: "Remove the authenticator app",
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("It is gone.", Removed), default: refusalAnswer },
  }),
  async (c) => {
    if (!c.var.me.isMfaEnabled) throw new Refusal("conflict", { message: "There is no second factor." });
    await takeStep(c, { kind: "removeTotp" });
    return c.json({ isRemoved: true as const }, 200);
  },
);

/** Makes new backup codes; the old ones are void. */
export const renewBackupCodes = defineStep(
  createRoute({
    ...changing,
    method: "post",
    path: "/second-factor/backup-codes",
    operationId: "renewBackupCodes",
    summary: "Make new backup codes",
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("The codes, shown this once.", Renewed), default: refusalAnswer },
  }),
  async (c) => {
    if (!c.var.me.isMfaEnabled) throw new Refusal("conflict", { message: "There is no second factor." });
    const { body } = await takeStep(c, { kind: "renewBackupCodes" });
    return c.json({ backupCodes: z.object({ backupCodes: z.array(z.string()) }).parse(body).backupCodes }, 200);
  },
);
