import { createRoute, z } from "@hono/zod-openapi";
import { SessionId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { describeJsonAnswer, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { SessionView, toSessionView } from "../answers.ts";
import { deleteOtherSessions, deleteSession, selectSessions } from "../queries.ts";
import { defineStep, requireOwnSession, requireSession } from "../step.ts";

const List = z.strictObject({ rows: z.array(SessionView) }).openapi("UserSessions");
const Ended = z.strictObject({ ended: z.int() }).openapi("UserSessionsEnded");
const own = { tags: ["sign-in"], security: [{ session: [] }], middleware: [requireSession, requireOwnSession] };

/** Lists one's sessions, newest first. */
export const listSessions = defineStep(
  createRoute({
    ...own,
    method: "get",
    path: "/sessions",
    operationId: "listMySessions",
    summary: "One's own sessions",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The sessions.", List), default: refusalAnswer },
  }),
  async (c) => {
    const { control, me, visit } = c.var;
    const rows = await selectSessions(control.db, me.user, visit.now());
    return c.json({ rows: rows.map((row) => toSessionView(row, me.session)) }, 200);
  },
);

/** Ends one of one's sessions: its next request is refused. */
export const endSession = defineStep(
  createRoute({
    ...own,
    method: "delete",
    path: "/sessions/{session}",
    operationId: "endMySession",
    summary: "End one of one's own sessions",
    request: { params: z.strictObject({ session: SessionId }), body: noBody },
    responses: { 200: describeJsonAnswer("It has ended.", Ended), default: refusalAnswer },
  }),
  async (c) => {
    const { control, me } = c.var;
    if (!(await deleteSession(control.db, me.user, c.req.valid("param").session))) throw new Refusal("not_found");
    return c.json({ ended: 1 }, 200);
  },
);

/** Ends all of one's sessions but this. */
export const endOtherSessions = defineStep(
  createRoute({
    ...own,
    method: "delete",
    path: "/sessions",
    operationId: "endMyOtherSessions",
    summary: "End all of one's own sessions but this",
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("They have ended.", Ended), default: refusalAnswer },
  }),
  async (c) => {
    const { control, me } = c.var;
    return c.json({ ended: await deleteOtherSessions(control.db, me.user, me.session) }, 200);
  },
);
