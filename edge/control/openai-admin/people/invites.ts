import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { invite } from "../../invitations/create-invitation.ts";
import { findInvitation, selectInvitations } from "../../invitations/queries.ts";
import { takeBack } from "../../invitations/revoke-invitation.ts";
import { Email } from "../../sign-in/answers.ts";
import { afterFields, describeList, readPage, showList } from "../lists.ts";
import { OpenAiInvite, OpenAiInviteDeleted, OpenAiInviteMade, OpenAiInvitePath, toOpenAiInvite } from "./invite.ts";
import { readRole } from "./role.ts";

const tags = ["openai-admin"];
const Create = z
  .strictObject({
    email: Email,
    role: z.string().openapi({ description: "`owner`, `reader` (a developer), or a role of ours by its name." }),
    projects: z.array(z.strictObject({})).max(0, "must be empty: members reach all of an org's projects").optional(),
  })
  .openapi("OpenAiInviteCreate");

/** Invites the holder of an address, by mail: for seven days, to be used once. */
export const openAiCreateInvite = defineEndpoint(
  "members.write",
  createRoute({
    method: "post",
    path: "/invites",
    operationId: "openaiCreateInvite",
    tags,
    summary: "Invite somebody, in OpenAI's form",
    request: { body: describeJsonBody(Create) },
    responses: { 200: describeJsonAnswer("The invitation.", OpenAiInviteMade), default: refusalAnswer },
  }),
  async (c) => {
    const { email, role: name } = c.req.valid("json");
    const role = readRole(name, null);
    if (!role) throw new Refusal("invalid_value", { param: "role", message: "role: There is no such role." });
    const { row, link } = await invite(c, { email, role });
    return c.json({ ...toOpenAiInvite(row, c.var.visit.now()), link }, 200);
  },
);

/** Lists invitations, newest first, but for those that were taken back. */
export const openAiListInvites = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/invites",
    operationId: "openaiListInvites",
    tags,
    summary: "List invitations, in OpenAI's form",
    request: { query: z.strictObject(afterFields) },
    responses: {
      200: describeJsonAnswer("A page of invitations.", describeList(OpenAiInvite, "OpenAiInviteList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const { rows, hasMore } = await readPage(
      c.req.valid("query"),
      (id) => findInvitation(control.db, org.id, id),
      (page) => selectInvitations(control.db, org.id, { ...page, onlyKept: true }),
    );
    return c.json(
      showList(
        rows.map((row) => toOpenAiInvite(row, visit.now())),
        hasMore,
      ),
      200,
    );
  },
);

/** Shows an invitation. */
export const openAiShowInvite = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/invites/{invite}",
    operationId: "openaiRetrieveInvite",
    tags,
    summary: "Show an invitation, in OpenAI's form",
    request: { params: OpenAiInvitePath },
    responses: { 200: describeJsonAnswer("The invitation.", OpenAiInvite), default: refusalAnswer },
  }),
  async (c) => {
    const row = await findInvitation(c.var.control.db, c.var.org.id, c.req.valid("param").invite);
    if (!row || row.revoked_at_ms !== null) throw new Refusal("not_found");
    return c.json(toOpenAiInvite(row, c.var.visit.now()), 200);
  },
);

/** Takes an invitation back; one that was accepted is refused with 409. */
export const openAiDeleteInvite = defineEndpoint(
  "members.write",
  createRoute({
    method: "delete",
    path: "/invites/{invite}",
    operationId: "openaiDeleteInvite",
    tags,
    summary: "Revoke an invitation, in OpenAI's form",
    request: { params: OpenAiInvitePath, body: noBody },
    responses: { 200: describeJsonAnswer("It is taken back.", OpenAiInviteDeleted), default: refusalAnswer },
  }),
  async (c) => {
    const { id } = await takeBack(c, c.req.valid("param").invite);
    return c.json({ object: "organization.invite.deleted" as const, id, deleted: true as const }, 200);
  },
);
