import { createRoute, z } from "@hono/zod-openapi";
import { mintOrgId } from "../../agreements/tokens/placement.ts";
import { requireOperator } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { cleanUp, logChange, publishOrg } from "../http/publish.ts";
import { defaultPlacements, resolveLimits, Org, orgFields, refuseUnsetRates, toOrg } from "./org.ts";
import { deleteOrg, insertOrg } from "./queries.ts";

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
 * Makes an org, by default on plan `standard` and placed as its plan says. When it cannot be published, it is deleted
 * again.
 */
export const createOrg = defineEndpoint(
  createRoute({
    method: "post",
    path: "/orgs",
    operationId: "createOrg",
    tags: ["orgs"],
    summary: "Create an org",
    middleware: [requireOperator],
    request: { body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control } = c.var;
    const { name, plan = "standard", limits, placement } = c.req.valid("json");
    const id = mintOrgId(placement ?? defaultPlacements[plan], (bytes) => visit.random(bytes));
    const row = await insertOrg(control.db, {
      id,
      name,
      plan,
      limits: resolveLimits(plan, limits),
      createdAtMs: visit.now(),
    });
    try {
      await publishOrg(c, row);
    } catch (cause) {
      await cleanUp(c, () => deleteOrg(control.db, id));
      throw cause;
    }
    logChange(c, "org_created", { org: id });
    return c.json(toOrg(row), 201);
  },
);
