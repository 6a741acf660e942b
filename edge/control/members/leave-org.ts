import { createRoute, z } from "@hono/zod-openapi";
import { OrgId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, noBody, refusalAnswer } from "../http/endpoint.ts";
import { publishKeys } from "../publishing/publish.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectEnded } from "../owners/queries.ts";
import { commitMemberStep } from "./commit-member.ts";

const Answer = z.strictObject({ org: OrgId }).openapi("OrgLeft");

/**
 * Leaves an org. One's keys go out of force first, since who has left could not repeat it when that fails (503). The
 * last owner stays (409).
 */
export const leaveOrg = defineEndpoint(
  "members.leave",
  createRoute({
    method: "post",
    path: "/orgs/{org}/leave",
    operationId: "leaveOrg",
    tags: ["people"],
    summary: "Leave an org",
    request: { params: OrgPath, body: noBody },
    responses: { 200: describeJsonAnswer("The org that was left.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org, principal, visit } = c.var;
    const owner = principal.id;
    const known = await commitMemberStep(c, owner, { action: "member.keys_ended" });
    await publishKeys(c, await selectEnded(control.db, { org: org.id, owner }, visit.now()));
    const left = known && (await commitMemberStep(c, owner, { action: "member.left" }));
    if (!left) throw new Refusal("not_found");
    // Of keys that were made in between.
    await publishKeys(c, await selectEnded(control.db, { org: org.id, owner }, visit.now()));
    return c.json({ org: org.id }, 200);
  },
);
