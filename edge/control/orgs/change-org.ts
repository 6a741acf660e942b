import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { requireOperator } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { logChange, publishOrg } from "../http/publish.ts";
import { resolveLimits, Org, orgFields, OrgPath, refuseUnsetRates, toOrg } from "./org.ts";
import { updateOrg } from "./queries.ts";

const Body = z
  .strictObject({
    name: orgFields.name.optional(),
    plan: orgFields.plan.optional(),
    limits: orgFields.limits.optional(),
    isSuspended: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, "Nothing to change.")
  .superRefine(refuseUnsetRates)
  .openapi("OrgChange", { minProperties: 1 });

/**
 * Sets an org's name, plan, limits or suspension. In force for the next call once it has answered; refused with 503, it
 * heals by repeating.
 */
export const changeOrg = defineEndpoint(
  createRoute({
    method: "patch",
    path: "/orgs/{org}",
    operationId: "changeOrg",
    tags: ["orgs"],
    summary: "Set an org's plan and limits",
    middleware: [requireOperator],
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { plan, limits, name, isSuspended } = c.req.valid("json");
    const { id } = c.var.org;
    const allLimits = plan && resolveLimits(plan, limits);
    const row = await updateOrg(c.var.control.db, id, { name, plan, isSuspended, allLimits, limits });
    if (!row) throw new Refusal("not_found");
    await publishOrg(c, row);
    logChange(c, "org_changed", { org: id });
    return c.json(toOrg(row), 200);
  },
);
