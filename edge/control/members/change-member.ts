import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { commitMemberStep } from "./commit-member.ts";
import { MemberPath, OrgMember, RoleName, toMember } from "./member.ts";

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
  async (c) => {
    const { role } = c.req.valid("json");
    const known = await commitMemberStep(c, c.req.valid("param").user, { action: "member.role_set", role });
    if (!known) throw new Refusal("not_found");
    return c.json(toMember({ ...known, role }), 200);
  },
);
