import { z } from "zod";
import { mapNames, toSnakeCase } from "../../agreements/names.ts";
import { amountColumns } from "../../agreements/records/usage-columns.ts";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Database } from "../http/store.ts";
import { bucketCount, readLatency, type Latency } from "./latency.ts";

/** What roll-ups are kept by, beside their time. */
export const Dimension = z.enum(["model", "key", "project", "member", "tier", "endpoint", "outcome"]);
export type Dimension = z.infer<typeof Dimension>;

/**
 * Which roll-ups: of one org, of calls admitted from `fromMs` up to but not at `toMs` (whole hours), of these values,
 * one or several of a dimension. `owner` leaves those of keys that this member owns today.
 */
export interface RollUpFilter extends Partial<Record<Dimension, string | readonly string[] | undefined>> {
  org: OrgId;
  fromMs: number;
  toMs: number;
  owner?: string | null | undefined;
}

/** Sums over roll-ups, and how long their calls took. */
export interface RolledUp extends z.infer<typeof Sums> {
  /** UTC hour or day, Unix ms; null where all of the time is one. */
  atMs: number | null;
  /** The value that they are grouped by: '' is no project or nobody; null where there is no grouping. */
  group: string | null;
  duration: Latency | null;
  ttft: Latency | null;
}

/**
 * How roll-ups are summed: by hours, days or not at all, and by the values of a dimension or not. Of several dimensions
 * the group is the JSON list of their values, in their order.
 */
export interface Grouping {
  by: "hour" | "day" | null;
  group: Dimension | readonly Dimension[] | null;
  /** The values that stand by themselves; all others are one, `*`. Absent: each stands by itself. */
  only?: readonly string[];
  /** How many rows at most: by time, or else the dearest first. */
  limit: number;
}

/** What stands for all values that do not stand by themselves. */
export const otherGroups = "*";

const dayMs = 86_400_000;
const Sums = z.object({ calls: z.int(), failedCalls: z.int(), ...mapNames(amountColumns, () => z.int()) });
const Counts = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.array(z.int()).length(bucketCount));
const Row = Sums.extend({
  at: z.int().nullable(),
  grouped: z.string().nullable(),
  durationMs: z.int(),
  ttftSumMs: z.int(),
  durations: Counts,
  ttfts: Counts,
});
type RollUpRow = z.infer<typeof Row>;

const amounts = amountColumns.map(toSnakeCase);
const listBuckets = (name: string) => Array.from({ length: bucketCount }, (_, at) => `${name}_${at}`);
const ttftSum = toSnakeCase("ttftMs");
const columns = [
  ...Dimension.options.map((name) => `"${name}"`),
  "calls",
  ...amounts,
  "duration_ms",
  ttftSum,
  ...listBuckets("duration"),
  ...listBuckets("ttft"),
].join(", ");
const sum = (column: string) => `coalesce(sum(${column}), 0)`;
/** Not as parameters of a function: SQLite takes a hundred at most, and D1 fewer. */
const writeCounts = (name: string) => `'[' || ${listBuckets(name).map(sum).join(" || ',' || ")} || ']'`;
const sums = [
  `${sum("calls")} AS calls`,
  `${sum("iif(outcome IN ('failed', 'expired'), calls, 0)")} AS failedCalls`,
  ...amountColumns.map((name) => `${sum(toSnakeCase(name))} AS ${name}`),
].join(", ");
const latencies = [
  `${sum("duration_ms")} AS durationMs`,
  `${sum(ttftSum)} AS ttftSumMs`,
  `${writeCounts("duration")} AS durations`,
  `${writeCounts("ttft")} AS ttfts`,
].join(", ");

/** Parameters 1 to 5 are the org and the times; each dimension has one, then the owner. */
const firstDimension = 6;
const matching = [
  ...Dimension.options.map((name, at) => {
    const given = `?${firstDimension + at}`;
    return `(${given} IS NULL OR "${name}" IN (SELECT value FROM json_each(${given})))`;
  }),
  `(?${firstDimension + Dimension.options.length} IS NULL OR key IN
    (SELECT id FROM keys WHERE org = ?1 AND owner = ?${firstDimension + Dimension.options.length}))`,
].join(" AND ");
const parametersBefore = firstDimension + Dimension.options.length;

const select = (moment: string, table: string, time: string) =>
  `SELECT ${moment} AS moment, ${columns} FROM ${table} WHERE org = ?1 AND ${time} AND ${matching}`;
/** Whole days from the roll-ups by day, what of a range is not one from those by hour. */
const daySource = [
  select("day", "usage_daily", "day >= ?4 AND day < ?5"),
  ...["hour >= ?2 AND hour < ?4", "hour >= ?5 AND hour < ?3"].map((time) =>
    select(`hour - hour % ${dayMs}`, "usage_hourly", time),
  ),
].join(" UNION ALL ");
const hourSource = select("hour", "usage_hourly", "hour >= ?2 AND hour < ?3 AND ?4 <= ?5");

/** Sums an org's roll-ups. Rows by time come in its order, others by what they cost, the dearest first. */
export async function sumRollUps(db: Database, filter: RollUpFilter, grouping: Grouping): Promise<RolledUp[]> {
  return (await selectRollUps(db, filter, grouping)).map(describe);
}

/** The same over time, and the sums of each group over all of it, the dearest first: at the cost of one reading. */
export async function sumSeries(
  db: Database,
  filter: RollUpFilter,
  grouping: Grouping,
): Promise<{ points: RolledUp[]; groups: RolledUp[] }> {
  const rows = await selectRollUps(db, filter, grouping);
  const groups = Array.from(Map.groupBy(rows, ({ grouped }) => grouped).values(), (some) => some.reduce(addUp));
  const byCost = groups.toSorted((one, other) => other.costMicros - one.costMicros);
  return { points: rows.map(describe), groups: byCost.map((group) => describe({ ...group, at: null })) };
}

/** The values of a dimension that cost most, the dearest first. */
export async function listDearest(
  db: Database,
  filter: RollUpFilter,
  group: Dimension,
  limit: number,
): Promise<string[]> {
  const cost = toSnakeCase("costMicros");
  const sql = `SELECT "${group}" AS value FROM (${daySource})
    GROUP BY "${group}" ORDER BY sum(${cost}) DESC, "${group}" LIMIT ?${parametersBefore + 1}`;
  const select = db.prepare(sql).bind(...bindFilter(filter), limit);
  return z
    .array(z.object({ value: z.string() }))
    .parse((await select.all()).results)
    .map(({ value }) => value);
}

async function selectRollUps(db: Database, filter: RollUpFilter, grouping: Grouping): Promise<RollUpRow[]> {
  const { by, group, only, limit } = grouping;
  const [onlyAt, limitAt] = [parametersBefore + 1, parametersBefore + 2];
  const value = writeGroup(group);
  const known = `${value} IN (SELECT value FROM json_each(?${onlyAt}))`;
  const others = `'${otherGroups}'`;
  const grouped = only === undefined ? `iif(?${onlyAt} IS NULL, ${value}, NULL)` : `iif(${known}, ${value}, ${others})`;
  const keys = [by !== null && "at", group !== null && "grouped"].filter((key) => key !== false);
  const sql = `SELECT ${by === null ? "NULL" : "moment"} AS at, ${grouped} AS grouped, ${sums}, ${latencies}
    FROM (${by === "hour" ? hourSource : daySource})
    ${keys.length === 0 ? "HAVING count(*) > 0" : `GROUP BY ${keys.join(", ")}`}
    ORDER BY ${by === null ? "costMicros DESC, grouped" : "at, grouped"} LIMIT ?${limitAt}`;
  const list = only === undefined ? null : JSON.stringify(only);
  const select = db.prepare(sql).bind(...bindFilter(filter), list, limit);
  return z.array(Row).parse((await select.all()).results);
}

function writeGroup(group: Grouping["group"]): string {
  if (group === null) return "NULL";
  return typeof group === "string" ? `"${group}"` : `json_array(${group.map((name) => `"${name}"`).join(", ")})`;
}

function describe({ at, grouped, durationMs, ttftSumMs, durations, ttfts, ...rest }: RollUpRow): RolledUp {
  const duration = readLatency(durations, durationMs);
  return { ...rest, atMs: at, group: grouped, duration, ttft: readLatency(ttfts, ttftSumMs) };
}

function addUp(one: RollUpRow, other: RollUpRow): RollUpRow {
  const addCounts = (some: number[], more: number[]) => some.map((count, at) => count + (more[at] ?? 0));
  const counted = ["calls", "failedCalls", "durationMs", "ttftSumMs", ...amountColumns] as const;
  const sum = { ...one };
  for (const name of counted) sum[name] = one[name] + other[name];
  sum.durations = addCounts(one.durations, other.durations);
  sum.ttfts = addCounts(one.ttfts, other.ttfts);
  return sum;
}

function bindFilter(filter: RollUpFilter): unknown[] {
  const { org, fromMs, toMs, owner = null } = filter;
  const wholeFromMs = Math.min(Math.ceil(fromMs / dayMs) * dayMs, toMs);
  const wholeToMs = Math.max(Math.floor(toMs / dayMs) * dayMs, wholeFromMs);
  const values = Dimension.options.map((name) => {
    const given = filter[name];
    return given === undefined ? null : JSON.stringify(typeof given === "string" ? [given] : given);
  });
  return [org, fromMs, toMs, wholeFromMs, wholeToMs, ...values, owner];
}
