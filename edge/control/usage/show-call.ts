import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { computeCostMicros, findByName, Price, Tier } from "../../agreements/records/model.ts";
import { findPrice } from "../../agreements/prices/price.ts";
import { HoldId, nameHold, RequestId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { listStart } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import { selectPrices } from "../prices/queries.ts";
import { OrgPath } from "../orgs/org.ts";
import { findOwner } from "./choose.ts";
import { selectUsage, sumUsage, type StoredUsage, type UsageSums } from "./queries.ts";
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
    const price = await findPaidPrice(c, first, totals);
    return c.json({ rows: rows.map(showUsage), totals, price, currency: control.currency }, 200);
  },
);

/**
 * The price in force when it was admitted, if the call cost what comes of it. An isolate that could not read prices may
 * have taken the one before.
 */
async function findPaidPrice(c: Context<ControlEnv>, call: StoredUsage, sums: UsageSums): Promise<Price | null> {
  const { control } = c.var;
  const tier = Tier.safeParse(call.tier).data;
  const model = findByName(control.models, call.model);
  if (!model || !tier) return null;
  const versions = await selectPrices(control.db, model.id);
  const since = versions.filter((version) => version.tier === tier && version.fromMs <= call.admittedAtMs);
  const moments = [call.admittedAtMs, ...since.slice(0, 1).map(({ fromMs }) => fromMs - 1)];
  const { promptTokens, completionTokens, cachedTokens, costMicros } = sums;
  const prices = moments.map((atMs) => findPrice(versions, { model, tier, atMs }));
  const isPaid = (price: Price) =>
    computeCostMicros(price, promptTokens, completionTokens, cachedTokens) === costMicros;
  return prices.find(isPaid) ?? null;
}
