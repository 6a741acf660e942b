import { createRoute, z } from "@hono/zod-openapi";
import { randomBase62 } from "../../agreements/tokens/ids.ts";
import { operatorsOnly } from "../http/access.ts";
import { endpoint, jsonAnswer, jsonBody, refusalAnswer } from "../http/endpoint.ts";
import { cleanUp, logChange, publishOrg } from "../http/publish.ts";
import { limitsOf, Org, orgFields, refuseUnsetRates, toOrg } from "./org.ts";
import { deleteOrg, insertOrg } from "./queries.ts";

const Body = z
  .strictObject({ name: orgFields.name, plan: orgFields.plan.optional(), limits: orgFields.limits.optional() })
  .superRefine(refuseUnsetRates)
  .openapi("OrgCreate");

/** Makes an org, on plan `standard` by default. When it cannot be published, it is deleted again. */
export const createOrg = endpoint(
  createRoute({
    method: "post",
    path: "/orgs",
    tags: ["orgs"],
    summary: "Create an org",
    middleware: [operatorsOnly],
    request: { body: jsonBody(Body) },
    responses: { 201: jsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control } = c.var;
    const { name, plan = "standard", limits } = c.req.valid("json");
    const id = `org_${randomBase62(10, (bytes) => visit.random(bytes))}`;
    const row = await insertOrg(control.db, {
      id,
      name,
      plan,
      limits: limitsOf(plan, limits),
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
