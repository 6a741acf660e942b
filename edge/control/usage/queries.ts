import { z } from "zod";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Cursor } from "../http/fields.ts";
import type { Database } from "../http/store.ts";

const UsageRow = z.object({
  id: z.string(),
  hold: z.string(),
  org: z.string(),
  key: z.string(),
  model: z.string(),
  tier: z.string(),
  endpoint: z.string(),
  end: z.string(),
  response_id: z.string().nullable(),
  prompt_tokens: z.int(),
  cached_tokens: z.int(),
  completion_tokens: z.int(),
  cost_micros: z.int(),
  admitted_at_ms: z.int(),
  ended_at_ms: z.int(),
});

/** A row of `usage`: one call's part of the bill. */
export type UsageRow = z.infer<typeof UsageRow>;

const UsageTotals = z.object({
  calls: z.int(),
  prompt_tokens: z.int(),
  cached_tokens: z.int(),
  completion_tokens: z.int(),
  cost_micros: z.int(),
});

/** Which rows: of one org, admitted from `fromMs` up to but not at `toMs`, of one key, of one model. */
export interface UsageFilter {
  org: OrgId;
  fromMs?: number | undefined;
  toMs?: number | undefined;
  key?: string | undefined;
  model?: string | undefined;
}

const matching = `org = ?1 AND admitted_at_ms >= ?2 AND admitted_at_ms < ?3 AND (?4 IS NULL OR key = ?4) AND (?5 IS NULL OR model = ?5)`;

/** Rows, newest first, from after `cursor`. */
export async function selectUsage(
  db: Database,
  filter: UsageFilter,
  cursor: Cursor,
  limit: number,
): Promise<UsageRow[]> {
  const select = db.prepare(
    `SELECT * FROM usage WHERE ${matching} AND (admitted_at_ms, id) < (?6, ?7) ORDER BY admitted_at_ms DESC, id DESC LIMIT ?8`,
  );
  const { results } = await select.bind(...valuesOf(filter), cursor.ms, cursor.id, limit).all();
  return z.array(UsageRow).parse(results);
}

/** The sums over every row that matches, not just a page. What came late is added, but is no further call. */
export async function sumUsage(db: Database, filter: UsageFilter): Promise<z.infer<typeof UsageTotals>> {
  const select = db.prepare(
    `SELECT coalesce(sum("end" <> 'corrected'), 0) AS calls, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
       coalesce(sum(cached_tokens), 0) AS cached_tokens, coalesce(sum(completion_tokens), 0) AS completion_tokens,
       coalesce(sum(cost_micros), 0) AS cost_micros
     FROM usage WHERE ${matching}`,
  );
  return UsageTotals.parse(await select.bind(...valuesOf(filter)).first());
}

function valuesOf(filter: UsageFilter): unknown[] {
  return [
    filter.org,
    filter.fromMs ?? 0,
    filter.toMs ?? Number.MAX_SAFE_INTEGER,
    filter.key ?? null,
    filter.model ?? null,
  ];
}
