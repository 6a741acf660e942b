import { createRoute, z } from "@hono/zod-openapi";
import { PasskeyId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { Credential, CredentialOptions, OwnName, PasskeyView, toPasskeyView } from "../answers.ts";
import { deletePasskey, selectPasskeys } from "../queries.ts";
import { defineStep, requireConfirmed, requireOwnSession, requireSession, takeStep } from "../step.ts";

const List = z.strictObject({ rows: z.array(PasskeyView) }).openapi("Passkeys");
const Body = z.strictObject({ credential: Credential, name: OwnName }).openapi("PasskeyAddition");
const Removed = z.strictObject({ isRemoved: z.literal(true) }).openapi("PasskeyRemoved");
const own = { tags: ["sign-in"], security: [{ session: [] }] };
const changing = { ...own, middleware: [requireSession, requireOwnSession, requireConfirmed] };

/** Lists one's passkeys. */
export const listPasskeys = defineStep(
  createRoute({
    ...own,
    middleware: [requireSession, requireOwnSession],
    method: "get",
    path: "/passkeys",
    operationId: "listMyPasskeys",
    summary: "One's own passkeys",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The passkeys.", List), default: refusalAnswer },
  }),
  async (c) => {
    const rows = await selectPasskeys(c.var.control.db, c.var.me.user);
    return c.json({ rows: rows.map(toPasskeyView) }, 200);
  },
);

/** A challenge for a new passkey. Only a session of the last hour may add one. */
export const offerPasskey = defineStep(
  createRoute({
    ...changing,
    method: "post",
    path: "/passkeys/options",
    operationId: "offerPasskey",
    summary: "What a browser needs to make a passkey",
    request: { body: noBody },
    responses: { 200: describeJsonAnswer("The options.", CredentialOptions), default: refusalAnswer },
  }),
  async (c) => c.json(CredentialOptions.parse((await takeStep(c, { kind: "offerPasskey" })).body), 200),
);

/** Adds a passkey that has asked its owner who she is. */
export const addPasskey = defineStep(
  createRoute({
    ...changing,
    method: "post",
    path: "/passkeys",
    operationId: "addPasskey",
    summary: "Add a passkey",
    request: { body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The passkey.", PasskeyView), default: refusalAnswer },
  }),
  async (c) => {
    const { credential, name } = c.req.valid("json");
    const { body } = await takeStep(c, { kind: "addPasskey", response: credential, name });
    const { id } = z.object({ id: PasskeyId }).parse(body);
    const row = (await selectPasskeys(c.var.control.db, c.var.me.user)).find((one) => one.id === id);
    if (!row) throw new Refusal("conflict", { message: "The passkey has been removed meanwhile." });
    return c.json(toPasskeyView(row), 201);
  },
);

/** Removes a passkey: it opens nothing from then on. */
export const removePasskey = defineStep(
  createRoute({
    ...changing,
    method: "delete",
    path: "/passkeys/{passkey}",
    operationId: "removePasskey",
    summary: "Remove a passkey",
    request: { params: z.strictObject({ passkey: PasskeyId }), body: noBody },
    responses: { 200: describeJsonAnswer("It is gone.", Removed), default: refusalAnswer },
  }),
  async (c) => {
    const { control, me } = c.var;
    if (!(await deletePasskey(control.db, me.user, c.req.valid("param").passkey))) throw new Refusal("not_found");
    return c.json({ isRemoved: true as const }, 200);
  },
);
