import type { ModelRecord, Price, Tier } from "../agreements/records/model.ts";
import { findPrice, type PriceVersion } from "../agreements/prices/price.ts";
import { describeCause } from "../errors.ts";
import { pricesFreshMs, pricesRetryMs, pricesStaleMs, pricesWaitMsMax } from "../agreements/prices/limits.ts";
import type { Visit } from "../visit.ts";

/** Reads the versions in force, and those to come. */
export type PriceReader = (nowMs: number) => Promise<PriceVersion[]>;

/**
 * What a call costs, as this isolate knows it: a snapshot that is read anew beside calls, never on their way. Only the
 * first call of an isolate, and one after a long pause, waits for it, and not for long; where it cannot be read, the
 * last one holds, or what MODELS says. A price comes into force later than every snapshot knows of it
 * (`priceLeadMs`), so isolates change it at the same moment.
 */
export interface Prices {
  find(visit: Pick<Visit, "now" | "afterwards" | "log">, model: PricedModel, tier: Tier): Price | Promise<Price>;
  /** The models with the prices that are known to be in force. */
  show<Model extends PricedModel>(models: readonly Model[], nowMs: number): Model[];
}

type PricedModel = Pick<ModelRecord, "id" | "prices">;
type PriceVisit = Parameters<Prices["find"]>[0];

interface PriceSnapshot {
  versions: PriceVersion[];
  readAtMs: number;
}

/** Opens an isolate's snapshot of prices. */
export function openPrices(read: PriceReader): Prices {
  let known: PriceSnapshot = { versions: [], readAtMs: -Infinity };
  let reading: Promise<void> | null = null;
  let nextMs = -Infinity;

  // Whoever leaves may take the work with them: then the next is due by its time all the same.
  const refresh = async (visit: PriceVisit, readAtMs: number): Promise<void> => {
    nextMs = readAtMs + pricesRetryMs;
    try {
      known = { versions: await read(readAtMs), readAtMs };
      nextMs = readAtMs + pricesFreshMs;
    } catch (cause) {
      visit.log("prices_unreadable", { cause: describeCause(cause) });
    } finally {
      reading = null;
    }
  };
  const choose = (model: PricedModel, tier: Tier, atMs: number) => findPrice(known.versions, { model, tier, atMs });
  return {
    find(visit, model, tier) {
      const nowMs = visit.now();
      if (nowMs >= nextMs) {
        reading = refresh(visit, nowMs);
        visit.afterwards(reading);
      }
      if (!reading || nowMs - known.readAtMs < pricesStaleMs) return choose(model, tier, nowMs);
      return waitAtMost(reading, pricesWaitMsMax).then(() => choose(model, tier, nowMs));
    },
    show: (models, nowMs) =>
      models.map((model) => ({
        ...model,
        prices: { shared: choose(model, "shared", nowMs), complex: choose(model, "complex", nowMs) },
      })),
  };
}

async function waitAtMost(work: Promise<void>, msMax: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, msMax);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
