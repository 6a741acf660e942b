import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { setRole } from "../../members/change-member.ts";
import { findMember, selectMembers } from "../../members/queries.ts";
import { endMembership } from "../../members/remove-member.ts";
import { Nothing } from "../fields.ts";
import { afterFields, describeList, listField, readList, readPage, showList } from "../lists.ts";
import { findRoleById, readRole } from "./role.ts";
import { OpenAiUser, OpenAiUserDeleted, OpenAiUserPath, requireMember, toOpenAiUser } from "./user.ts";

const tags = ["openai-admin"];
const responses = { 200: describeJsonAnswer("The member.", OpenAiUser), default: refusalAnswer };
const Query = z.strictObject({ ...afterFields, ...listField("emails", z.string().min(1).max(254)) });
const Update = z
  .strictObject({
    role: z.string().nullish().openapi({ description: "`owner`, `reader`, or a role of ours by its name." }),
    role_id: z.string().nullish(),
    developer_persona: Nothing,
    technical_level: Nothing,
  })
  .refine(({ role, role_id }) => typeof role === "string" || typeof role_id === "string", {
    path: ["role"],
    error: "Give `role` or `role_id`.",
  })
  .openapi("OpenAiUserUpdate");

/** Lists members, the newest first. */
export const openAiListUsers = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/users",
    operationId: "openaiListUsers",
    tags,
    summary: "List members, in OpenAI's form",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("A page of members.", describeList(OpenAiUser, "OpenAiUserList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const query = c.req.valid("query");
    const emails = readList(query, "emails")?.map((email) => email.toLowerCase()) ?? null;
    const { rows, hasMore } = await readPage(
      query,
      (id) => findMember(control.db, org.id, id),
      (page) => selectMembers(control.db, org.id, { ...page, emails }),
    );
    return c.json(showList(rows.map(toOpenAiUser), hasMore), 200);
  },
);

/** Shows a member. */
export const openAiShowUser = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/users/{user}",
    operationId: "openaiRetrieveUser",
    tags,
    summary: "Show a member, in OpenAI's form",
    request: { params: OpenAiUserPath },
    responses,
  }),
  async (c) => c.json(toOpenAiUser(await requireMember(c, c.req.valid("param").user)), 200),
);

/** Sets a member's role. */
export const openAiUpdateUser = defineEndpoint(
  "members.write",
  createRoute({
    method: "post",
    path: "/users/{user}",
    operationId: "openaiUpdateUser",
    tags,
    summary: "Set a member's role, in OpenAI's form",
    request: { params: OpenAiUserPath, body: describeJsonBody(Update) },
    responses,
  }),
  async (c) => {
    const known = await requireMember(c, c.req.valid("param").user);
    const { role: name, role_id: id } = c.req.valid("json");
    const role = typeof id === "string" ? findRoleById(id) : readRole(name ?? "", known.role);
    const param = typeof id === "string" ? "role_id" : "role";
    if (!role) throw new Refusal("invalid_value", { param, message: `${param}: There is no such role.` });
    return c.json(toOpenAiUser(await setRole(c, known.user, role)), 200);
  },
);

/** Removes a member, and takes their keys out of force. */
export const openAiDeleteUser = defineEndpoint(
  "members.write",
  createRoute({
    method: "delete",
    path: "/users/{user}",
    operationId: "openaiDeleteUser",
    tags,
    summary: "Remove a member, in OpenAI's form",
    request: { params: OpenAiUserPath, body: noBody },
    responses: { 200: describeJsonAnswer("They are a member no more.", OpenAiUserDeleted), default: refusalAnswer },
  }),
  async (c) => {
    const { user: id } = c.req.valid("param");
    await endMembership(c, id);
    return c.json({ object: "organization.user.deleted" as const, id, deleted: true as const }, 200);
  },
);
