import { createRoute, z } from "@hono/zod-openapi";
import { UserId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { pageFields } from "../../http/fields.ts";
import { setRole } from "../../members/change-member.ts";
import { memberRoles } from "../../permissions.ts";
import { describeNextList, showWhole } from "../lists.ts";
import { findRoleById, OpenAiAssignedRole, OpenAiRole, showAssigned, showRole } from "./role.ts";
import { OpenAiUser, OpenAiUserPath, requireMember, toOpenAiUser } from "./user.ts";

const tags = ["openai-admin"];
const RolePath = z.object({ role: z.string() });
const UserRolePath = z.object({ user: UserId, role: z.string() });
const Assign = z.strictObject({ role_id: z.string() }).openapi("OpenAiRoleAssign");
const Assigned = z
  .strictObject({ object: z.literal("user.role"), role: OpenAiRole, user: OpenAiUser })
  .openapi("OpenAiUserRole");
const Unassigned = z
  .strictObject({ object: z.literal("user.role.deleted"), deleted: z.literal(true) })
  .openapi("OpenAiUserRoleDeleted");
/** In OpenAI's way: newest first or oldest first, of a list that has no age here. */
const Query = z.strictObject({ order: z.enum(["asc", "desc"]).optional(), limit: pageFields.limit });

/** Lists the roles that there are. */
export const openAiListRoles = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/roles",
    operationId: "openaiListRoles",
    tags,
    summary: "List roles, in OpenAI's form",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("The roles.", describeNextList(OpenAiRole, "OpenAiRoleList")),
      default: refusalAnswer,
    },
  }),
  (c) => c.json(showWhole(memberRoles.map(showRole)), 200),
);

/** Shows a role. */
export const openAiShowRole = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/roles/{role}",
    operationId: "openaiRetrieveRole",
    tags,
    summary: "Show a role, in OpenAI's form",
    request: { params: RolePath },
    responses: { 200: describeJsonAnswer("The role.", OpenAiRole), default: refusalAnswer },
  }),
  (c) => {
    const role = findRoleById(c.req.valid("param").role);
    if (!role) throw new Refusal("not_found");
    return c.json(showRole(role), 200);
  },
);

/** Gives a member a role in the place of the one that they have. */
export const openAiAssignRole = defineEndpoint(
  "members.write",
  createRoute({
    method: "post",
    path: "/users/{user}/roles",
    operationId: "openaiAssignUserRole",
    tags,
    summary: "Set a member's role, in OpenAI's form",
    request: { params: OpenAiUserPath, body: describeJsonBody(Assign) },
    responses: { 200: describeJsonAnswer("The member and the role.", Assigned), default: refusalAnswer },
  }),
  async (c) => {
    const { user } = c.req.valid("param");
    await requireMember(c, user);
    const role = findRoleById(c.req.valid("json").role_id);
    if (!role) throw new Refusal("invalid_value", { param: "role_id", message: "role_id: There is no such role." });
    const row = await setRole(c, user, role);
    return c.json({ object: "user.role" as const, role: showRole(role), user: toOpenAiUser(row) }, 200);
  },
);

/** Lists a member's roles: one. */
export const openAiListUserRoles = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/users/{user}/roles",
    operationId: "openaiListUserRoles",
    tags,
    summary: "List a member's role, in OpenAI's form",
    request: { params: OpenAiUserPath, query: Query },
    responses: {
      200: describeJsonAnswer("The role.", describeNextList(OpenAiAssignedRole, "OpenAiAssignedRoleList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { role } = await requireMember(c, c.req.valid("param").user);
    return c.json(showWhole([showAssigned(role)]), 200);
  },
);

/** Shows a role that a member has. */
export const openAiShowUserRole = defineEndpoint(
  "members.read",
  createRoute({
    method: "get",
    path: "/users/{user}/roles/{role}",
    operationId: "openaiRetrieveUserRole",
    tags,
    summary: "Show a member's role, in OpenAI's form",
    request: { params: UserRolePath },
    responses: { 200: describeJsonAnswer("The role.", OpenAiAssignedRole), default: refusalAnswer },
  }),
  async (c) => {
    const { user, role } = c.req.valid("param");
    const known = await requireMember(c, user);
    if (findRoleById(role) !== known.role) throw new Refusal("not_found");
    return c.json(showAssigned(known.role), 200);
  },
);

/** Takes no role away: a member has one, so whoever shall have none is removed. */
export const openAiUnassignRole = defineEndpoint(
  "members.write",
  createRoute({
    method: "delete",
    path: "/users/{user}/roles/{role}",
    operationId: "openaiUnassignUserRole",
    tags,
    summary: "Take a member's role away: always refused with 409",
    request: { params: UserRolePath, body: noBody },
    responses: { 200: describeJsonAnswer("Never given.", Unassigned), default: refusalAnswer },
  }),
  async (c) => {
    const { user, role } = c.req.valid("param");
    const known = await requireMember(c, user);
    if (findRoleById(role) !== known.role) throw new Refusal("not_found");
    throw new Refusal("conflict", {
      message: "A member has one role: give them another, or remove them.",
      mayRetry: false,
    });
  },
);
