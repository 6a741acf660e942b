import type { ModelRecord, Price, Tier } from "../records/model.ts";

/** What a model costs in a tier from a moment on (Unix ms), until a later version of the two takes its place. */
export interface PriceVersion {
  model: string;
  tier: Tier;
  fromMs: number;
  price: Price;
}

/** What is priced, and when. */
export interface PricedAt {
  model: Pick<ModelRecord, "id" | "prices">;
  tier: Tier;
  atMs: number;
}

/** The price in force at a moment: that of the last version before it, or else what the model's record says. */
export function findPrice(versions: readonly PriceVersion[], { model, tier, atMs }: PricedAt): Price {
  let found: PriceVersion | null = null;
  for (const version of versions) {
    if (version.model !== model.id || version.tier !== tier || version.fromMs > atMs) continue;
    if (!found || version.fromMs > found.fromMs) found = version;
  }
  return found?.price ?? model.prices[tier];
}
