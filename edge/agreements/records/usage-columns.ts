import { listNames } from "../names.ts";

/**
 * The columns of a line of the bill, in their order, and what each holds: `text`, `maybeText` (text or null), `count`
 * and `money` (whole numbers, summed in totals; money in millionths of the currency), `timeMs` (Unix ms), `maybeMs`
 * (how long something took, in ms, or null). `head` is a column's head in tables for people, `title` what it is in a
 * sentence.
 *
 * The one place that names them: schemas, SQL, the Redis script, sums, answers and the command line follow from it. A
 * new count needs a row here, a migration, and whoever reckons with it. Records and rows that Redis stores are in this
 * order.
 */
export const usageColumns = {
  id: { holds: "text" },
  hold: { holds: "text" },
  org: { holds: "text" },
  key: { holds: "text" },
  model: { holds: "text" },
  tier: { holds: "text" },
  endpoint: { holds: "text" },
  end: { holds: "text" },
  responseId: { holds: "maybeText" },
  promptTokens: { holds: "count", head: "PROMPT", title: "prompt tokens" },
  cachedTokens: { holds: "count", head: "CACHED", title: "of them cached" },
  completionTokens: { holds: "count", head: "COMPLETION", title: "completion tokens" },
  costMicros: { holds: "money", head: "COST", title: "cost" },
  admittedAtMs: { holds: "timeMs" },
  endedAtMs: { holds: "timeMs" },
  units: { holds: "count", head: "UNITS", title: "units" },
  ttftMs: { holds: "maybeMs", head: "TTFT MS", title: "time to the first token, at the node" },
} as const;

/** The name of a column. */
export type UsageColumn = keyof typeof usageColumns;

type ColumnKind = (typeof usageColumns)[UsageColumn]["holds"];
type ColumnsThatHold<Kind extends ColumnKind> = {
  [Name in UsageColumn]: (typeof usageColumns)[Name]["holds"] extends Kind ? Name : never;
}[UsageColumn];

/** All columns, in their order. */
export const usageColumnNames: readonly UsageColumn[] = listNames(usageColumns);

/** The columns that hold one kind of thing, in their order. */
export function listColumns<Kind extends ColumnKind>(kind: Kind): ColumnsThatHold<Kind>[] {
  const holdsIt = (name: UsageColumn): name is ColumnsThatHold<Kind> => usageColumns[name].holds === kind;
  return usageColumnNames.filter(holdsIt);
}

/** A count on the bill: of tokens, or of units. */
export type CountColumn = ColumnsThatHold<"count">;

/** The counts on the bill, in their order. */
export const countColumns: readonly CountColumn[] = listColumns("count");

/** What is summed: counts, then money. */
export const amountColumns: readonly ColumnsThatHold<"count" | "money">[] = [...countColumns, ...listColumns("money")];
