import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { UserId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import type { MemberRole } from "../permissions.ts";
import { commitMemberStep } from "./commit-member.ts";
import { MemberPath, OrgMember, RoleName, toMember } from "./member.ts";
import type { MemberRow } from "./queries.ts";

const Body = z.strictObject({ role: RoleName }).openapi("MemberChange");

/**
 * Sets a member's role. Ownership is an owner's or an operator's to give and take, and the last owner keeps it (409).
 * Who no longer reaches every key loses the admin keys that are theirs.
 */
export const changeMember = defineEndpoint(
  "members.write",
  createRoute({
    method: "patch",
    path: "/orgs/{org}/members/{user}",
    operationId: "changeMember",
    tags: ["people"],
    summary: "Set a member's role",
    request: { params: MemberPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The member.", OrgMember), default: refusalAnswer },
  }),
  async (c) => c.json(toMember(await setRole(c, c.req.valid("param").user, c.req.valid("json").role)), 200),
);

/** Sets the role of a member of the org. */
export async function setRole(c: Context<ControlEnv>, user: UserId, role: MemberRole): Promise<MemberRow> {
  const known = await commitMemberStep(c, user, { action: "member.role_set", role });
  if (!known) throw new Refusal("not_found");
  return { ...known, role };
}
