import { z } from "zod";
import { mapNames, toSnakeCase } from "../../agreements/names.ts";
import { amountColumns, listColumns, usageColumnNames } from "../../agreements/records/usage-columns.ts";
import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Cursor } from "../http/fields.ts";
import type { Database } from "../http/store.ts";

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

const admitted = sql.admittedAtMs;

const writeMatching = (prefix: string) =>
  `${prefix}org = ?1 AND ${prefix}${admitted} >= ?2 AND ${prefix}${admitted} < ?3
  AND (?4 IS NULL OR key = ?4) AND (?5 IS NULL OR model = ?5)
  AND (?7 IS NULL OR key IN (SELECT id FROM keys WHERE org = ?1 AND owner = ?7))`;

/** One call's rows are found by their ids (`+` keeps SQLite from the other way), all others by org and time. */
function writeMatch({ hold }: UsageFilter): string {
  if (hold === undefined) return `?6 IS NULL AND ${writeMatching("")}`;
  return `id IN (?6, ?6 || ':late') AND ${writeMatching("+")}`;
}

/** What came late is added, but is no further call: its row's id is not its hold's. */
const sums = [
  "coalesce(sum(id = hold), 0) AS calls",
  ...amountColumns.map((name) => `coalesce(sum(${sql[name]}), 0) AS ${name}`),
].join(", ");

/** Rows, newest first, from after `cursor`. */
export async function selectUsage(
  db: Database,
  filter: UsageFilter,
  cursor: Cursor,
  limit: number,
): Promise<StoredUsage[]> {
  const select = db.prepare(
    `SELECT ${columns} FROM usage WHERE ${writeMatch(filter)} AND (${admitted}, id) < (?8, ?9)
     ORDER BY ${admitted} DESC, id DESC LIMIT ?10`,
  );
  const { results } = await select.bind(...bindFilter(filter), cursor.ms, cursor.id, limit).all();
  return z.array(StoredUsage).parse(results);
}

/** The sums over every row that matches, not just a page. */
export async function sumUsage(db: Database, filter: UsageFilter): Promise<UsageSums> {
  const select = db.prepare(`SELECT ${sums} FROM usage WHERE ${writeMatch(filter)}`);
  return UsageSums.parse(await select.bind(...bindFilter(filter)).first());
}

function bindFilter(filter: UsageFilter): unknown[] {
  return [
    filter.org,
    filter.fromMs ?? 0,
    filter.toMs ?? Number.MAX_SAFE_INTEGER,
    filter.key ?? null,
    filter.model ?? null,
    filter.hold ?? null,
    filter.owner ?? null,
  ];
}
