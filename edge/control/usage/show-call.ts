import { createRoute, z } from "@hono/zod-openapi";
import { Price } from "../../agreements/records/model.ts";
import { HoldId, nameHold, RequestId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { listStart } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { findOwner } from "./choose.ts";
import { selectUsage, sumUsage } from "./queries.ts";
import { Currency, showUsage, Usage, UsageTotals } from "./totals.ts";

const CallPath = OrgPath.extend({
  call: z.union([RequestId, HoldId]).openapi({
    type: "string",
    pattern: "^(req|hold)_[0-9A-Za-z]{22}$",
    description: "What its answer carried in `x-request-id` or in `x-penstock-hold`.",
  }),
});

const Answer = z
  .strictObject({
    rows: z.array(Usage).openapi({ description: "Its line on the bill, and one for what came late." }),
    totals: UsageTotals,
    price: Price.nullable().openapi({
      description: "What it was admitted with; null where that is not known any more.",
    }),
    currency: Currency,
  })
  .openapi("UsageCall");

/** One call's lines on the bill, and its price. */
export const showCall = defineEndpoint(
  "usage.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/usage/calls/{call}",
    operationId: "showUsageCall",
    tags: ["usage"],
    summary: "Show a call on the bill",
    request: { params: CallPath },
    responses: { 200: describeJsonAnswer("The call.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { call } = c.req.valid("param");
    const filter = { org: org.id, hold: call.startsWith("req_") ? nameHold(call) : call, owner: findOwner(c) };
    const [rows, totals] = await Promise.all([
      selectUsage(control.db, filter, listStart, 2),
      sumUsage(control.db, filter),
    ]);
    const [first] = rows;
    if (!first) throw new Refusal("not_found", { message: "No such call is on the bill, or not yet." });
    const price = null;
    return c.json({ rows: rows.map(showUsage), totals, price, currency: control.currency }, 200);
  },
);
