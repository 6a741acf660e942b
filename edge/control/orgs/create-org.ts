import { createRoute, z } from "@hono/zod-openapi";
import { mintOrgId } from "../../agreements/tokens/placement.ts";
import { Refusal } from "../../errors.ts";
import {
  defineEndpoint,
  describeJsonAnswer,
  describeJsonBody,
  refusalAnswer,
  refuseUnlessMay,
} from "../http/endpoint.ts";
import { ownedOrgsMax } from "../limits.ts";
import { insertOwner } from "../members/queries.ts";
import { commitChange } from "../audit/commit.ts";
import { cleanUp, publishOrg } from "../publishing/publish.ts";
import { refuseNewOrg } from "../sign-in/sign-up.ts";
import { describeOrg } from "./commit-org.ts";
import { defaultPlacements, resolveLimits, Org, orgFields, refuseUnsetRates, toOrg } from "./org.ts";
import { deleteOrg, insertOrg, OrgRow } from "./queries.ts";

const dayMs = 86_400_000;

const Body = z
  .strictObject({
    name: orgFields.name,
    plan: orgFields.plan.optional(),
    limits: orgFields.limits.optional(),
    placement: orgFields.placement.optional(),
  })
  .superRefine(refuseUnsetRates)
  .openapi("OrgCreate");

/**
 * Makes an org, by default on plan `standard` and placed as its plan says; other plans, limits and placements are an
 * operator's to give. A person who makes one is its owner, and may own so many; operators may make any number. When it
 * cannot be published, it is deleted again.
 */
export const createOrg = defineEndpoint(
  "orgs.create",
  createRoute({
    method: "post",
    path: "/orgs",
    operationId: "createOrg",
    tags: ["orgs"],
    summary: "Create an org",
    request: { body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control } = c.var;
    const { name, plan = "standard", limits, placement } = c.req.valid("json");
    const { principal } = c.var;
    const isPlain = plan === "standard" && limits === undefined && placement === undefined;
    if (!isPlain) refuseUnlessMay(principal, "plan.write");
    if (principal.person) refuseNewOrg(control.signUp, principal.person);
    const id = mintOrgId(placement ?? defaultPlacements[plan], (bytes) => visit.random(bytes));
    const org = { id, name, plan, limits: resolveLimits(plan, limits), createdAtMs: visit.now() };
    const entry = { org: id, target: id, before: null, after: null };
    const owner = principal.person && !principal.isOperator ? principal.id : null;
    const room = owner === null ? null : { owner, sinceMs: org.createdAtMs - dayMs, max: ownedOrgsMax };
    const after = describeOrg({ ...org, is_suspended: 0, requires_mfa: 0, closed_at_ms: null });
    const [made] = await commitChange(c, {
      ...entry,
      action: "org.created",
      after,
      change: insertOrg(control.db, org, room),
      also: (mark) => (principal.person ? [insertOwner(control.db, principal.id, org.createdAtMs, mark)] : []),
    });
    if (made === undefined)
      throw new Refusal("conflict", { message: `You own ${ownedOrgsMax} organizations, as many as one person may.` });
    const row = OrgRow.parse(made);
    try {
      return c.json(toOrg(await publishOrg(c, row)), 201);
    } catch (cause) {
      await cleanUp(c, () => commitChange(c, { ...entry, action: "org.withdrawn", change: deleteOrg(control.db, id) }));
      throw cause;
    }
  },
);
