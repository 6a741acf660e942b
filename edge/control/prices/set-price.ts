import { createRoute, z } from "@hono/zod-openapi";
import { findByName, isDiscount, Tier } from "../../agreements/records/model.ts";
import { findPrice } from "../../agreements/prices/price.ts";
import { Refusal } from "../../errors.ts";
import { priceLeadMs } from "../../agreements/prices/limits.ts";
import { commitChange } from "../audit/commit.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Expiry, formatIso } from "../http/fields.ts";
import { priceFields, PriceShown, showPrice } from "./price.ts";
import { findHouse, insertPrice, selectPrices } from "./queries.ts";

const Body = z
  .strictObject({
    model: z.string().min(1).max(200),
    tier: Tier,
    from: Expiry.openapi({
      description: "When it comes into force, at least a minute from now; absent or null, then.",
    }),
    ...priceFields,
    cachedMicrosPerMTok: priceFields.cachedMicrosPerMTok.optional(),
  })
  .refine(
    ({ promptMicrosPerMTok, cachedMicrosPerMTok }) =>
      isDiscount({ promptMicrosPerMTok, cachedMicrosPerMTok: cachedMicrosPerMTok ?? undefined }),
    { path: ["cachedMicrosPerMTok"], error: "Must not be above `promptMicrosPerMTok`." },
  )
  .openapi("PriceDraft");

/**
 * Sets what a model costs in a tier from a moment on, for every org: calls that are admitted from then. It takes a
 * minute at least, so that all of the edge knows of it. A version is never changed; a later one takes its place.
 */
export const setPrice = defineEndpoint(
  "prices.write",
  createRoute({
    method: "post",
    path: "/prices",
    operationId: "setPrice",
    tags: ["costs"],
    summary: "Set a price",
    request: { body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The version.", PriceShown), default: refusalAnswer },
  }),
  async (c) => {
    const { control, visit, principal } = c.var;
    const { model: name, tier, from, cachedMicrosPerMTok, ...rest } = c.req.valid("json");
    const model = findByName(control.models, name);
    if (!model) throw new Refusal("invalid_value", { param: "model", message: "model: No such model is served." });
    const nowMs = visit.now();
    const fromMs = from ?? nowMs + priceLeadMs;
    if (fromMs < nowMs + priceLeadMs)
      throw new Refusal("invalid_value", {
        param: "from",
        message: `from: At least ${priceLeadMs / 1_000} seconds from now: ${formatIso(nowMs + priceLeadMs)}.`,
      });
    const house = await findHouse(control.db);
    if (!house) throw new Refusal("not_found");
    const cached = cachedMicrosPerMTok ?? null;
    const price = { ...rest, ...(cached !== null && { cachedMicrosPerMTok: cached }) };
    const version = { model: model.id, tier, fromMs, price };
    const before = findPrice(await selectPrices(control.db, model.id), { model, tier, atMs: fromMs });
    const rows = await commitChange(c, {
      org: house,
      action: "price.set",
      target: `${model.id} ${tier}`,
      before,
      after: { ...price, from: formatIso(fromMs) },
      change: insertPrice(control.db, version, { atMs: nowMs, by: principal.id }),
    });
    if (rows.length === 0) throw new Refusal("conflict", { message: "There is a price from that moment on already." });
    return c.json(showPrice(version, fromMs, false), 201);
  },
);
