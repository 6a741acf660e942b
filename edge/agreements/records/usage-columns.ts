import { listNames } from "../names.ts";

/**
 * The columns of a line of the bill, in their order, and what each holds: `text`, `maybeText` (text or null), `tokens`
 * and `money` (whole numbers, summed in totals; money in millionths of the currency), `timeMs` (Unix ms). `head` is a
 * column's head in tables for people, `title` what it is in a sentence.
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
  promptTokens: { holds: "tokens", head: "PROMPT", title: "prompt tokens" },
  cachedTokens: { holds: "tokens", head: "CACHED", title: "of them cached" },
  completionTokens: { holds: "tokens", head: "COMPLETION", title: "completion tokens" },
  costMicros: { holds: "money", head: "COST", title: "cost" },
  admittedAtMs: { holds: "timeMs" },
  endedAtMs: { holds: "timeMs" },
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

/** A count of tokens on the bill. */
export type TokenColumn = ColumnsThatHold<"tokens">;

/** The counts of tokens on the bill, in their order. */
export const tokenColumns: readonly TokenColumn[] = listColumns("tokens");

/** What is summed: tokens, then money. */
export const amountColumns: readonly ColumnsThatHold<"tokens" | "money">[] = [...tokenColumns, ...listColumns("money")];
