import { createRoute, z } from "@hono/zod-openapi";
import { findByName } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { Currency } from "../usage/totals.ts";
import { listVersions, PriceShown } from "./price.ts";
import { selectPrices } from "./queries.ts";

const Query = z.strictObject({ model: z.string().min(1).max(200).optional() });
const Answer = z.strictObject({ prices: z.array(PriceShown), currency: Currency }).openapi("PriceList");

/** Lists what the served models cost: what is in force, what is to come, and what was before. */
export const listPrices = defineEndpoint(
  "models.read",
  createRoute({
    method: "get",
    path: "/prices",
    operationId: "listPrices",
    tags: ["costs"],
    summary: "List prices",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("The prices, by model and tier, newest first.", Answer),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, visit } = c.var;
    const { model: name } = c.req.valid("query");
    const one = name === undefined ? null : findByName(control.models, name);
    if (name !== undefined && !one) throw new Refusal("not_found", { message: "No such model is served." });
    const versions = await selectPrices(control.db, one?.id ?? null);
    const models = one ? [one] : control.models;
    const prices = models.flatMap((model) => listVersions(model, versions, visit.now()));
    return c.json({ prices, currency: control.currency }, 200);
  },
);
