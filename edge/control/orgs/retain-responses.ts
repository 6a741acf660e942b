import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Refusal } from "../../errors.ts";
import { responseHoursMax } from "../../agreements/stored-limits.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { auditOrg } from "./commit-org.ts";
import { Org, OrgPath, toOrg } from "./org.ts";
import type { OrgRow } from "./queries.ts";

const Body = z
  .strictObject({
    hours: z
      .int()
      .min(1)
      .max(responseHoursMax)
      .nullable()
      .describe("How long each is kept, those that are there too. `null` keeps none, and deletes all that there are."),
  })
  .openapi("ResponseRetention");

/**
 * Sets how long an org's responses are kept, or that none are. It is the org's own to say, so its admins may. What is
 * deleted by it cannot be had back: the key under which it lies is shredded. Refused with 503, it heals by repeating.
 */
export const retainResponses = defineEndpoint(
  "org.change",
  createRoute({
    method: "put",
    path: "/orgs/{org}/response-retention",
    operationId: "retainResponses",
    tags: ["orgs"],
    summary: "Set how long responses are stored, or store none",
    request: { params: OrgPath, body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("The org.", Org), default: refusalAnswer },
  }),
  async (c) => c.json(toOrg(await setRetention(c, c.req.valid("json").hours)), 200),
);

/** Sets for how many hours the org's responses are kept; null keeps none, and deletes those that there are. */
export async function setRetention(c: Context<ControlEnv>, hours: number | null): Promise<OrgRow> {
  const { control, org } = c.var;
  const { retention } = control;
  if (!retention || (hours !== null && !retention.isPossible)) {
    const message = "This gateway stores no responses: its operator has to set STORE_KEYS and the bucket RESPONSES.";
    throw new Refusal("conflict", { message });
  }
  try {
    await retention.set(org.id, hours);
  } catch (cause) {
    throw new Refusal("store_unavailable", {
      message: "The store is out of reach. Repeat the request.",
      retryAfterMs: 1_000,
      log: `retention of ${org.id} not set`,
      cause,
    });
  }
  await auditOrg(c, hours === null ? "org.responses_shredded" : "org.responses_retained", {
    before: { responseRetentionHours: org.response_hours },
    after: { responseRetentionHours: hours },
  });
  return { ...org, response_hours: hours };
}
