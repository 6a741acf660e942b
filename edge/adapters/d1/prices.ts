import { z } from "zod";
import { Price, Tier } from "../../agreements/records/model.ts";
import type { PriceVersion } from "../../agreements/prices/price.ts";
import { within } from "../within.ts";

/** Of each model and tier the version in force, and those to come. */
const select = `SELECT model, tier, from_ms AS fromMs, prompt, cached, completion FROM prices AS p
  WHERE from_ms > ?1 OR from_ms =
    (SELECT max(from_ms) FROM prices WHERE model = p.model AND tier = p.tier AND from_ms <= ?1)`;

const Row = z
  .object({
    model: z.string(),
    tier: Tier,
    fromMs: z.int(),
    prompt: z.int(),
    cached: z.int().nullable(),
    completion: z.int(),
  })
  .transform(({ prompt, cached, completion, ...version }): PriceVersion => ({
    ...version,
    price: Price.parse({
      promptMicrosPerMTok: prompt,
      completionMicrosPerMTok: completion,
      ...(cached !== null && { cachedMicrosPerMTok: cached }),
    }),
  }));

/** Reads the prices that are in force and those to come. Throws when D1 does not answer in `msMax`. */
export async function readPrices(db: D1Database, nowMs: number, msMax: number): Promise<PriceVersion[]> {
  const { results } = await within(msMax, "prices", db.prepare(select).bind(nowMs).all());
  return z.array(Row).parse(results);
}
