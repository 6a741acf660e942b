import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyId, UserId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { publishKeys } from "../publishing/publish.ts";
import { selectEnded } from "../owners/queries.ts";
import { commitMemberStep } from "./commit-member.ts";
import { MemberPath } from "./member.ts";

const Answer = z
  .strictObject({ user: UserId, revokedKeys: z.array(KeyId).describe("Their keys, none of which works any more.") })
  .openapi("MemberRemoved");

/**
 * Removes a member, and takes their keys out of force: once it has answered, none of them works (P4). Hand over first
 * what shall go on, by changing the key's `owner`. Refused with 503, it heals by repeating.
 */
export const removeMember = defineEndpoint(
  "members.write",
  createRoute({
    method: "delete",
    path: "/orgs/{org}/members/{user}",
    operationId: "removeMember",
    tags: ["people"],
    summary: "Remove a member, and revoke their keys",
    request: { params: MemberPath, body: noBody },
    responses: { 200: describeJsonAnswer("Who is a member no more.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { user } = c.req.valid("param");
    return c.json({ user, revokedKeys: await endMembership(c, user) }, 200);
  },
);

/** Removes a member, and publishes that their keys are revoked; returns those. */
export async function endMembership(c: Context<ControlEnv>, user: UserId): Promise<KeyId[]> {
  const { control, org, visit } = c.var;
  const known = await commitMemberStep(c, user, { action: "member.removed" });
  const ended = await selectEnded(control.db, { org: org.id, owner: user }, visit.now());
  if (!known && ended.length === 0) throw new Refusal("not_found");
  await publishKeys(c, ended);
  return ended.map(({ id }) => id);
}
