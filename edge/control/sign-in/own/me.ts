import { createRoute, z } from "@hono/zod-openapi";
import { describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { Me, OwnName, toMe } from "../answers.ts";
import { renameUser } from "../queries.ts";
import { defineStep, requireOwnSession, requireSession, takeStep } from "../step.ts";

const Ended = z.strictObject({ isSignedOut: z.literal(true) }).openapi("SignedOut");
const Renaming = z.strictObject({ name: OwnName }).openapi("OwnNameChange");

/** Shows who is signed in. */
export const showMe = defineStep(
  createRoute({
    method: "get",
    path: "/session",
    operationId: "showMe",
    tags: ["sign-in"],
    summary: "Who is signed in",
    security: [{ session: [] }],
    middleware: [requireSession],
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("Who, and since when.", Me), default: refusalAnswer },
  }),
  (c) => c.json(toMe(c.var.me), 200),
);

/** Gives her who is signed in another name. */
export const renameMe = defineStep(
  createRoute({
    method: "patch",
    path: "/session",
    operationId: "renameMe",
    tags: ["sign-in"],
    summary: "Change one's own name",
    security: [{ session: [] }],
    middleware: [requireSession, requireOwnSession],
    request: { body: describeJsonBody(Renaming) },
    responses: { 200: describeJsonAnswer("Who is signed in.", Me), default: refusalAnswer },
  }),
  async (c) => {
    const { me, control, visit } = c.var;
    const { name } = c.req.valid("json");
    await renameUser(control.db, me.user, name, visit.now());
    return c.json(toMe({ ...me, name }), 200);
  },
);

/** Ends this session. Whoever has none is signed out already. */
export const signOut = defineStep(
  createRoute({
    method: "post",
    path: "/sign-out",
    operationId: "signOut",
    tags: ["sign-in"],
    summary: "Sign out",
    security: [],
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("Signed out.", Ended), default: refusalAnswer },
  }),
  async (c) => {
    await takeStep(c, { kind: "signOut" });
    return c.json({ isSignedOut: true as const }, 200);
  },
);
