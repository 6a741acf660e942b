import { z } from "@hono/zod-openapi";
import { mapNames } from "../../agreements/names.ts";
import { amountColumns } from "../../agreements/records/usage-columns.ts";
import { OrgId } from "../../agreements/tokens/ids.ts";
import { writeCsvLine } from "../csv.ts";
import { Timestamp } from "../http/fields.ts";
import { Currency, UsageTotals } from "../usage/totals.ts";
import { Month } from "./month.ts";
import type { StatementLine } from "./queries.ts";

const Line = z
  .strictObject({
    project: z.string().nullable(),
    projectName: z.string().nullable(),
    model: z.string(),
    tier: z.string(),
    ...UsageTotals.shape,
  })
  .openapi("StatementLine");

/** What an org owes for a month, as answers show it. */
export const Statement = z
  .strictObject({
    org: OrgId,
    orgName: z.string(),
    month: Month,
    isFinal: z.boolean().openapi({
      description: "The month is over, and so long ago that no call of it can be settled any more.",
    }),
    writtenAt: Timestamp,
    lines: z.array(Line),
    totals: UsageTotals,
    currency: Currency,
  })
  .openapi("Statement");

/** A statement, read. */
export type MonthStatement = z.infer<typeof Statement>;

/** A line as answers show it. */
export function showLine({ project, ...rest }: StatementLine): MonthStatement["lines"][number] {
  return { project: project === "" ? null : project, ...rest };
}

/** The sum of all lines. */
export function sumLines(lines: readonly StatementLine[]): MonthStatement["totals"] {
  const sum = (read: (line: StatementLine) => number) => lines.reduce((total, line) => total + read(line), 0);
  return { calls: sum(({ calls }) => calls), ...mapNames(amountColumns, (name) => sum((line) => line[name])) };
}

/** A statement as CSV: its lines, then their sum. */
export function writeStatementCsv({ month, lines, totals, currency }: MonthStatement): string {
  const heads = ["month", "project", "projectName", "model", "tier", "calls", ...amountColumns, "currency"];
  const write = (line: MonthStatement["lines"][number]) =>
    writeCsvLine([
      month,
      line.project,
      line.projectName,
      line.model,
      line.tier,
      line.calls,
      ...amountColumns.map((name) => line[name]),
      currency,
    ]);
  const all = { project: "TOTAL", projectName: null, model: "", tier: "", ...totals };
  return writeCsvLine(heads) + [...lines, all].map(write).join("");
}

/** Millionths as people write money; exact. */
export function writeMoney(micros: number): string {
  const text = String(Math.abs(micros)).padStart(7, "0");
  const whole = text.slice(0, -6).replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return `${micros < 0 ? "-" : ""}${whole}.${text.slice(-6)}`;
}
