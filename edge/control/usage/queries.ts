import { z } from "zod";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Cursor } from "../http/fields.ts";
import type { Database } from "../http/store.ts";

const StoredUsage = z.object({
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
export type StoredUsage = z.infer<typeof StoredUsage>;

const UsageSums = z.object({
  calls: z.int(),
  prompt_tokens: z.int(),
  cached_tokens: z.int(),
  completion_tokens: z.int(),
  cost_micros: z.int(),
});

/** Sums over rows; exact, or refused: a sum that a double cannot hold does not parse. */
export type UsageSums = z.infer<typeof UsageSums>;

/** Which rows: of one org, admitted from `fromMs` up to but not at `toMs`, of one key, model or call. */
export interface UsageFilter {
  org: OrgId;
  fromMs?: number | undefined;
  toMs?: number | undefined;
  key?: string | undefined;
  model?: string | undefined;
  hold?: string | undefined;
}

/** What usage is summed by. */
export const UsageGrouping = z.enum(["day", "key", "model"]);
export type UsageGrouping = z.infer<typeof UsageGrouping>;

/** How many groups an answer has at most. */
export const groupsMax = 1_000;

const UsageGroup = UsageSums.extend({ grouped: z.string() });

const matching = `org = ?1 AND admitted_at_ms >= ?2 AND admitted_at_ms < ?3 AND (?4 IS NULL OR key = ?4)
  AND (?5 IS NULL OR model = ?5)`;

/** One call's rows are found by their ids (`+` keeps SQLite from the other way), all others by org and time. */
function writeMatch({ hold }: UsageFilter): string {
  if (hold === undefined) return `?6 IS NULL AND ${matching}`;
  return `id IN (?6, ?6 || ':late') AND ${matching.replaceAll(/\b(org|admitted_at_ms) /g, "+$1 ")}`;
}

/** What came late is added, but is no further call: its row's id is not its hold's. */
const sums = `coalesce(sum(id = hold), 0) AS calls, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
  coalesce(sum(cached_tokens), 0) AS cached_tokens, coalesce(sum(completion_tokens), 0) AS completion_tokens,
  coalesce(sum(cost_micros), 0) AS cost_micros`;

/** Rows, newest first, from after `cursor`. */
export async function selectUsage(
  db: Database,
  filter: UsageFilter,
  cursor: Cursor,
  limit: number,
): Promise<StoredUsage[]> {
  const select = db.prepare(
    `SELECT * FROM usage WHERE ${writeMatch(filter)} AND (admitted_at_ms, id) < (?7, ?8)
     ORDER BY admitted_at_ms DESC, id DESC LIMIT ?9`,
  );
  const { results } = await select.bind(...bindFilter(filter), cursor.ms, cursor.id, limit).all();
  return z.array(StoredUsage).parse(results);
}

/** The sums over every row that matches, not just a page. */
export async function sumUsage(db: Database, filter: UsageFilter): Promise<UsageSums> {
  const select = db.prepare(`SELECT ${sums} FROM usage WHERE ${writeMatch(filter)}`);
  return UsageSums.parse(await select.bind(...bindFilter(filter)).first());
}

const groupings: Record<UsageGrouping, { by: string; order: string }> = {
  day: { by: "strftime('%Y-%m-%d', admitted_at_ms / 1000, 'unixepoch')", order: "grouped" },
  key: { by: "key", order: "cost_micros DESC, grouped" },
  model: { by: "model", order: "cost_micros DESC, grouped" },
};

/** The sums of each UTC day, key or model: days in their order, the others by their cost, the dearest first. */
export async function groupUsage(
  db: Database,
  filter: UsageFilter,
  grouping: UsageGrouping,
  limit: number,
): Promise<z.infer<typeof UsageGroup>[]> {
  const { by, order } = groupings[grouping];
  const select = db.prepare(
    `SELECT ${by} AS grouped, ${sums} FROM usage WHERE ${writeMatch(filter)}
     GROUP BY grouped ORDER BY ${order} LIMIT ?7`,
  );
  const { results } = await select.bind(...bindFilter(filter), limit).all();
  return z.array(UsageGroup).parse(results);
}

function bindFilter(filter: UsageFilter): unknown[] {
  return [
    filter.org,
    filter.fromMs ?? 0,
    filter.toMs ?? Number.MAX_SAFE_INTEGER,
    filter.key ?? null,
    filter.model ?? null,
    filter.hold ?? null,
  ];
}
