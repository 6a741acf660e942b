import { createRoute, z } from "@hono/zod-openapi";
import {
  defineEndpoint,
  describeJsonAnswer,
  describeJsonBody,
  refusalAnswer,
  refuseUnlessMay,
} from "../http/endpoint.ts";
import { publishOrg } from "../publishing/publish.ts";
import { commitOrgChange } from "./commit-org.ts";
import { resolveLimits, Org, orgFields, OrgPath, refuseUnsetRates, toOrg } from "./org.ts";

const Body = z
  .strictObject({
    name: orgFields.name.optional(),
    plan: orgFields.plan.optional(),
    limits: orgFields.limits.optional(),
    isSuspended: z.boolean().optional(),
    requiresMfa: z.boolean().optional().describe("Members without a second factor may then do nothing here."),
  })
  .refine((body) => Object.keys(body).length > 0, "Nothing to change.")
  .superRefine(refuseUnsetRates)
  .openapi("OrgChange", { minProperties: 1 });

/**
 * Sets an org's name, and whether its members need a second factor; an operator sets its plan, limits and suspension
 * too. In force for the next call once it has answered; refused with 503, it heals by repeating.
 */
export const changeOrg = defineEndpoint(
  "org.change",
  createRoute({
    method: "patch",
    path: "/orgs/{org}",
    operationId: "changeOrg",
    tags: ["orgs"],
    summary: "Set an org's name, plan, limits and suspension",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { plan, limits, name, isSuspended, requiresMfa } = c.req.valid("json");
    const isOperators = plan !== undefined || limits !== undefined || isSuspended !== undefined;
    if (isOperators) refuseUnlessMay(c.var.principal, "plan.write");
    const allLimits = plan && resolveLimits(plan, limits);
    const change = { name, plan, isSuspended, requiresMfa, allLimits, limits };
    const row = await commitOrgChange(c, change, isSuspended === undefined ? "org.changed" : "org.suspension_set");
    return c.json(toOrg(await publishOrg(c, row)), 200);
  },
);
