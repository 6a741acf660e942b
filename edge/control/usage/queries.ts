import { z } from "zod";
import { mapNames, toSnakeCase } from "../../agreements/names.ts";
import { amountColumns, listColumns, usageColumnNames } from "../../agreements/records/usage-columns.ts";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import { boundCursor, type Cursor } from "../http/fields.ts";
import type { Database } from "../http/store.ts";
import { sumRollUps } from "./rollup-queries.ts";

/** Each column under its name here: `prompt_tokens` is `promptTokens`. */
const sql = mapNames(usageColumnNames, toSnakeCase);
const columns = usageColumnNames.map((name) => `"${sql[name]}" AS "${name}"`).join(", ");
const amounts = mapNames(amountColumns, () => z.int());

const StoredUsage = z.object({
  ...mapNames(listColumns("text"), () => z.string()),
  ...mapNames(listColumns("maybeText"), () => z.string().nullable()),
  ...amounts,
  ...mapNames(listColumns("timeMs"), () => z.int()),
  ...mapNames(listColumns("maybeMs"), () => z.int().nullable()),
});

/** A row of `usage`: one call's part of the bill. */
export type StoredUsage = z.infer<typeof StoredUsage>;

const UsageSums = z.object({ calls: z.int(), ...amounts });

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
  /** Of keys that this member owns today. */
  owner?: string | null | undefined;
}

const hourMs = 3_600_000;
const admitted = sql.admittedAtMs;

/**
 * The rows that match, and the values to bind. One call's are found by their ids (`+` keeps SQLite from the other way),
 * a key's by its index, which the planner would not take, all others by their org and time.
 */
function writeMatch({ org, fromMs, toMs, key, model, hold, owner }: UsageFilter): { rows: string; values: unknown[] } {
  const index = key !== undefined && hold === undefined ? "INDEXED BY usage_by_key" : "";
  const by = hold === undefined ? "" : "+";
  const given: [condition: string, ...values: unknown[]][] = [
    [`${by}org = ?`, org],
    [`${by}${admitted} >= ?`, fromMs],
    [`${by}${admitted} < ?`, toMs],
    [`${by}key = ?`, key],
    ["model = ?", model],
    ["id IN (?, ? || ':late')", hold, hold],
    ["key IN (SELECT id FROM keys WHERE org = ? AND owner = ?)", ...(owner == null ? [] : [org, owner])],
  ];
  const chosen = given.filter(([, value]) => value !== undefined);
  const rows = `usage ${index} WHERE ${chosen.map(([sql]) => sql).join(" AND ")}`;
  return { rows, values: chosen.flatMap(([, ...values]) => values) };
}

/** What came late is added, but is no further call: its row's id is not its hold's. */
const sums = [
  "coalesce(sum(id = hold), 0) AS calls",
  ...amountColumns.map((name) => `coalesce(sum(${sql[name]}), 0) AS ${name}`),
].join(", ");

/** Rows, newest first, from after `cursor`. */
export async function selectUsage(
  db: Database,
  { toMs, ...filter }: UsageFilter,
  cursor: Cursor,
  limit: number,
): Promise<StoredUsage[]> {
  const { rows, values } = writeMatch(filter);
  const { ms, id } = boundCursor(cursor, toMs);
  const select = db.prepare(
    `SELECT ${columns} FROM ${rows} AND (${admitted}, id) < (?, ?)
     ORDER BY ${admitted} DESC, id DESC LIMIT ?`,
  );
  const { results } = await select.bind(...values, ms, id, limit).all();
  return z.array(StoredUsage).parse(results);
}

/**
 * The sums over every row that matches, not just a page, those in the archive too: of whole hours from roll-ups, of
 * what is before and behind them, and of one call, from rows.
 */
export async function sumUsage(db: Database, filter: UsageFilter): Promise<UsageSums> {
  const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER, hold } = filter;
  const [wholeFromMs, wholeToMs] = [Math.ceil(fromMs / hourMs) * hourMs, Math.floor(toMs / hourMs) * hourMs];
  if (hold !== undefined || wholeFromMs >= wholeToMs) return sumRows(db, filter);
  const parts = await Promise.all([
    sumRollUps(db, { ...filter, fromMs: wholeFromMs, toMs: wholeToMs }, { by: null, group: null, limit: 1 }),
    fromMs < wholeFromMs ? sumRows(db, { ...filter, toMs: wholeFromMs }) : [],
    filter.toMs !== undefined && wholeToMs < toMs ? sumRows(db, { ...filter, fromMs: wholeToMs }) : [],
  ]);
  const total = (name: keyof UsageSums) => parts.flat().reduce((sum, part) => sum + part[name], 0);
  return UsageSums.parse(mapNames(["calls", ...amountColumns] as const, total));
}

async function sumRows(db: Database, filter: UsageFilter): Promise<UsageSums> {
  const { rows, values } = writeMatch(filter);
  const select = db.prepare(`SELECT ${sums} FROM ${rows}`);
  return UsageSums.parse(await select.bind(...values).first());
}
