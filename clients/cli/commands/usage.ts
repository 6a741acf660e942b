import { listColumns, countColumns, usageColumns } from "#edge/agreements/records/usage-columns.ts";
import { UsageError, type Flags, type Option } from "../input/flags.ts";
import { readBound } from "../input/times.ts";
import { clean, readList, read, show, writeMoney, type Column } from "../output/table.ts";
import {
  currencyIn,
  nextPage,
  orgPath,
  pageOptions,
  pageQuery,
  readChoice,
  type Command,
  type Given,
} from "./command.ts";

const moneyColumns = listColumns("money");
const amounts: Column[] = [
  ...countColumns.map((name): Column => [usageColumns[name].head, name]),
  ...moneyColumns.map((name): Column => [usageColumns[name].head, name, "money"]),
];
const callColumns: Column[] = [
  ["ADMITTED", "admittedAt"],
  ["MODEL", "model"],
  ["TIER", "tier"],
  ["ENDPOINT", "endpoint"],
  ["END", "end"],
  ...amounts,
  [usageColumns.ttftMs.head, "ttftMs"],
  ["KEY", "key"],
  ["REQUEST", "requestId"],
  ["HOLD", "hold"],
  ["RESPONSE", "responseId"],
];
const sumColumns: Column[] = [["CALLS", "calls"], ...amounts];
const exportFormats = ["csv", "jsonl"];
const ledgerColumns: Column[] = [
  ["WINDOW", "window"],
  ["OF", "of"],
  ["LIMIT", "limit"],
  ["REMAINING", "remaining"],
  ["HELD", "held"],
  ["SETTLED", "settled"],
  ["RESETS", "resetAt"],
];
const dimensions = ["model", "key", "project", "member", "tier", "endpoint", "outcome"];
const groupings = ["day", ...dimensions];
const latencyColumns: Column[] = [
  ["FAILED", "failedCalls"],
  ["P50 MS", "duration.p50"],
  ["P95 MS", "duration.p95"],
  ["P99 MS", "duration.p99"],
  ["TTFT P50", "ttft.p50"],
  ["TTFT P95", "ttft.p95"],
];

const filterOptions: Record<string, Option> = {
  from: { value: "WHEN", about: "From this UTC date (2026-01-31), moment with its zone, or time ago (7d, 12h)." },
  to: { value: "WHEN", about: "Through this UTC date, or up to a moment; now if not given." },
  "key-id": { value: "KEY_ID", about: "Of this key only." },
  model: { value: "MODEL", about: "Of this model or alias only." },
};

/** `penstock usage …` and `penstock ledger …` */
export const usageCommands: readonly Command[] = [
  {
    name: "usage summary",
    usage: "[ORG]",
    about: "Sum an org's usage by day, key, model or what else: the last 30 days if no --from is given.",
    more: [
      "Days are UTC, times whole hours. At most 366 days at once.",
      "",
      "Example: penstock usage summary --by model --from 7d",
    ],
    options: { by: { value: "WHAT", about: `day (if not given), or ${dimensions.join(", ")}.` }, ...filterOptions },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/usage/summary`,
      query: { by: readGrouping(input.flags), ...readFilter(input) },
    }),
    show: (answer) => ({
      columns: [[clean(read(answer, "by")).toUpperCase(), "group"], ...sumColumns],
      rows: readList(answer, "groups"),
      none: "There is no usage.",
      notes: [
        `${writeTotals(answer)} From ${show(read(answer, "from"))} to ${show(read(answer, "to"))}.`,
        ...(read(answer, "isTruncated") === true ? ["There are more rows; the sum has them all."] : []),
      ],
      ...currencyIn(answer),
    }),
  },
  {
    name: "usage list",
    usage: "[ORG]",
    about: "List an org's usage call by call, newest first, with totals.",
    more: [
      "REQUEST is what an answer carried in 'x-request-id', HOLD in 'x-penstock-hold', RESPONSE the 'id' in its body.",
    ],
    options: {
      ...filterOptions,
      hold: { value: "HOLD", about: "Of this call only (its answer's 'x-penstock-hold')." },
      ...pageOptions,
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/usage`,
      query: { ...readFilter(input), hold: input.flags.one("hold"), ...pageQuery(input.flags) },
    }),
    show: (answer) => ({
      columns: callColumns,
      rows: readList(answer, "rows"),
      none: "There is no usage.",
      notes: [writeTotals(answer), ...nextPage(answer)],
      ...currencyIn(answer),
    }),
  },
  {
    name: "usage series",
    usage: "[ORG]",
    about: "Show an org's usage over time: by hour the last day, by day the last 30, if no --from is given.",
    more: [
      "Percentiles come from histograms whose buckets are 50 % wide. Hours without calls have no row.",
      "",
      "Example: penstock usage series --by hour --group model --from 12h",
    ],
    options: {
      by: { value: "UNIT", about: "hour or day (if not given). At most 31 days by hour, 366 by day." },
      group: { value: "WHAT", about: `${dimensions.join(", ")}: a row each; * are all but the 20 dearest.` },
      ...filterOptions,
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/usage/series`,
      query: {
        by: readChoice(input.flags, "by", ["day", "hour"]) ?? "day",
        group: readChoice(input.flags, "group", dimensions),
        ...readFilter(input),
      },
    }),
    show: (answer) => ({
      columns: [["AT", "at"], ["GROUP", "group"], ...sumColumns, ...latencyColumns],
      rows: readList(answer, "points"),
      none: "There is no usage.",
      notes: [`From ${show(read(answer, "from"))} to ${show(read(answer, "to"))}.`],
      ...currencyIn(answer),
    }),
  },
  {
    name: "usage export",
    usage: "[ORG]",
    about: "Print an org's usage call by call, all of it: the last 30 days if no --from is given.",
    more: ["A million calls at most at once.", "", "Example: penstock usage export --from 2026-11-01 > november.csv"],
    options: { format: { value: "FORMAT", about: "csv (if not given) or jsonl." }, ...filterOptions },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/usage/export`,
      query: { format: readChoice(input.flags, "format", exportFormats) ?? "csv", ...readFilter(input) },
      isText: true,
    }),
    show: () => ({ columns: [], rows: [] }),
  },
  {
    name: "usage call",
    usage: "[ORG]",
    about: "Show one call on the bill, with the price it was admitted with.",
    more: ["", "Example: penstock usage call --id req_0123456789abcdefABCDEF"],
    options: { id: { value: "ID", about: "What its answer carried in 'x-request-id' or 'x-penstock-hold'." } },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/usage/calls/${readCall(input.flags)}` }),
    show: (answer) => ({
      columns: callColumns,
      rows: readList(answer, "rows"),
      notes: [writeTotals(answer), `Price: ${writePrice(read(answer, "price"))}.`],
      ...currencyIn(answer),
    }),
  },
  {
    name: "ledger show",
    usage: "[ORG]",
    about: "Show an org's windows: limit, remaining, held and settled.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/ledger` }),
    show: (answer) => {
      const holds = readList(answer, "openHolds").length;
      const rows = clean(read(answer, "outboxRows"));
      return {
        columns: ledgerColumns,
        rows: readList(answer, "windows"),
        none: "There are no windows.",
        notes: [`At ${show(read(answer, "at"))}: ${holds} open, ${rows} usage rows on their way to the list.`],
      };
    },
  },
];

function readGrouping(flags: Flags): string {
  const by = flags.one("by") ?? "day";
  if (groupings.includes(by)) return by;
  throw new UsageError(`--by takes ${groupings.join(", ")}; not '${by}'.`);
}

function readFilter({ flags, nowMs }: Given): Record<string, string | undefined> {
  return {
    from: readBound("from", flags.one("from"), nowMs),
    to: readBound("to", flags.one("to"), nowMs),
    key: flags.one("key-id"),
    model: flags.one("model"),
  };
}

function writeTotals(answer: unknown): string {
  const totals = read(answer, "totals");
  const tokens = countColumns.map((name) => `${clean(read(totals, name))} ${usageColumns[name].title}`);
  const costs = moneyColumns.map((name) => writeMoney(Number(read(totals, name))));
  const calls = clean(read(totals, "calls"));
  const sums = [
    `${calls} ${calls === "1" ? "call" : "calls"}`,
    ...tokens,
    `${costs.join()} ${clean(read(answer, "currency"))}`,
  ];
  return `In all: ${sums.join(", ")}.`;
}

function readCall(flags: Flags): string {
  const id = flags.one("id") ?? "";
  if (/^(req|hold)_[0-9A-Za-z]{22}$/.test(id)) return id;
  throw new UsageError("--id takes what an answer carried in 'x-request-id' (req_…) or 'x-penstock-hold' (hold_…).");
}

function writePrice(price: unknown): string {
  if (typeof price !== "object" || price === null) return "not known any more";
  return Object.entries(price)
    .map(([name, micros]) => `${clean(name)} ${clean(micros)}`)
    .join(", ");
}
