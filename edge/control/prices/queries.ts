import { z } from "zod";
import { Price, Tier } from "../../agreements/records/model.ts";
import type { PriceVersion } from "../../agreements/prices/price.ts";
import { OrgId } from "../../agreements/tokens/ids.ts";
import type { Database, Statement } from "../http/store.ts";

const PriceRow = z
  .object({
    model: z.string(),
    tier: Tier,
    fromMs: z.int(),
    prompt: z.int(),
    cached: z.int().nullable(),
    completion: z.int(),
  })
  .transform(({ prompt, cached, completion, ...version }): PriceVersion => {
    const price = { promptMicrosPerMTok: prompt, completionMicrosPerMTok: completion };
    return { ...version, price: Price.parse(cached === null ? price : { ...price, cachedMicrosPerMTok: cached }) };
  });

/** Every version of every price that was set, of one model if it is named: the newest first. */
export async function selectPrices(db: Database, model: string | null): Promise<PriceVersion[]> {
  const select = db.prepare(
    `SELECT model, tier, from_ms AS fromMs, prompt, cached, completion FROM prices WHERE ?1 IS NULL OR model = ?1
     ORDER BY from_ms DESC, model, tier LIMIT 10000`,
  );
  return z.array(PriceRow).parse((await select.bind(model).all()).results);
}

/** Inserts a version; no row when there is one of that moment. */
export function insertPrice(
  db: Database,
  { model, tier, fromMs, price }: PriceVersion,
  made: { atMs: number; by: string },
): Statement {
  const insert = db.prepare(
    `INSERT INTO prices (model, tier, from_ms, prompt, cached, completion, created_at_ms, created_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING model`,
  );
  const { promptMicrosPerMTok, cachedMicrosPerMTok = null, completionMicrosPerMTok } = price;
  const amounts = [promptMicrosPerMTok, cachedMicrosPerMTok, completionMicrosPerMTok];
  return insert.bind(model, tier, fromMs, ...amounts, made.atMs, made.by);
}

/** The house's own org, in whose log prices are audited. */
export async function findHouse(db: Database): Promise<OrgId | null> {
  const row = await db.prepare("SELECT id FROM orgs WHERE is_operator = 1").first();
  return z.object({ id: OrgId }).nullable().parse(row)?.id ?? null;
}
