import { z } from "@hono/zod-openapi";
import { priceMicrosMax, Tier, type ModelRecord } from "../../agreements/records/model.ts";
import { findPrice, type PriceVersion } from "../../agreements/prices/price.ts";
import { formatIso, Timestamp } from "../http/fields.ts";

const Micros = z.int().min(0).max(priceMicrosMax);

/** The parts of a price: millionths of the currency for a million tokens. */
export const priceFields = {
  promptMicrosPerMTok: Micros,
  cachedMicrosPerMTok: Micros.nullable().openapi({
    description: "Of prompt tokens that the prefix cache had; null where they cost what others do.",
  }),
  completionMicrosPerMTok: Micros,
};

/** A version of a price, as answers show it. */
export const PriceShown = z
  .strictObject({
    model: z.string(),
    tier: Tier,
    from: Timestamp.nullable().openapi({ description: "Null: what MODELS says, until the first version." }),
    isInForce: z.boolean(),
    ...priceFields,
  })
  .openapi("Price");

/** A version as answers show it. */
export function showPrice(
  { model, tier, price }: Omit<PriceVersion, "fromMs">,
  fromMs: number | null,
  isInForce: boolean,
): z.infer<typeof PriceShown> {
  const { promptMicrosPerMTok, cachedMicrosPerMTok = null, completionMicrosPerMTok } = price;
  const from = fromMs === null ? null : formatIso(fromMs);
  return { model, tier, from, isInForce, promptMicrosPerMTok, cachedMicrosPerMTok, completionMicrosPerMTok };
}

/** All versions of a model's prices, the newest first and what MODELS says last. */
export function listVersions(model: ModelRecord, versions: readonly PriceVersion[], nowMs: number) {
  return Tier.options.flatMap((tier) => {
    const own = versions.filter((version) => version.model === model.id && version.tier === tier);
    const known = own.toSorted((one, other) => other.fromMs - one.fromMs);
    const inForce = findPrice(known, { model, tier, atMs: nowMs });
    const first = { model: model.id, tier, price: model.prices[tier] };
    return [
      ...known.map((version) => showPrice(version, version.fromMs, version.price === inForce)),
      showPrice(first, null, first.price === inForce),
    ];
  });
}
