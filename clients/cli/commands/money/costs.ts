import { UsageError, type Flags } from "../../input/flags.ts";
import { readMoment, readSpan } from "../../input/times.ts";
import { clean, read, readList, show, writeMoney, type Column } from "../../output/table.ts";
import { currencyIn, given, orgPath, readChoice, readWhole, type Command } from "../command.ts";

const dimensions = ["model", "key", "project", "member", "tier", "endpoint", "outcome"];
const priceColumns: Column[] = [
  ["MODEL", "model"],
  ["TIER", "tier"],
  ["FROM", "from"],
  ["IN FORCE", "isInForce"],
  ["PROMPT", "promptMicrosPerMTok"],
  ["CACHED", "cachedMicrosPerMTok"],
  ["COMPLETION", "completionMicrosPerMTok"],
];
const lineColumns: Column[] = [
  ["PROJECT", "projectName"],
  ["MODEL", "model"],
  ["TIER", "tier"],
  ["CALLS", "calls"],
  ["COST", "costMicros", "money"],
];

/** `penstock costs …`, `penstock statements …` and `penstock prices …` */
export const costCommands: readonly Command[] = [
  {
    name: "costs show",
    usage: "[ORG]",
    about: "Show what an org has spent in a month, its forecast, and on what it went.",
    options: {
      month: { value: "MONTH", about: "A UTC month, such as 2026-11; this one if not given." },
      group: { value: "WHAT", about: `${dimensions.join(", ")}: model if not given.` },
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/costs`,
      query: { month: readMonth(input.flags), group: readChoice(input.flags, "group", dimensions) },
    }),
    show: (answer) => ({
      columns: [
        [clean(read(answer, "group")).toUpperCase(), "group"],
        ["CALLS", "calls"],
        ["COST", "costMicros", "money"],
      ],
      rows: readList(answer, "groups"),
      none: "Nothing was spent.",
      notes: [writeSpent(answer)],
      ...currencyIn(answer),
    }),
  },
  {
    name: "statements show",
    usage: "[ORG]",
    about: "Show an org's bill for a month, by project, model and tier.",
    more: ["", "Example: penstock statements show --month 2026-11 --format html > statement.html"],
    options: {
      month: { value: "MONTH", about: "A UTC month, such as 2026-11." },
      format: { value: "FORMAT", about: "csv, or html for a page that prints well; a table if not given." },
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => {
      const month = readMonth(input.flags);
      if (month === undefined) throw new UsageError("--month is missing. See --help.");
      const format = readChoice(input.flags, "format", ["csv", "html"]);
      const path = `${orgPath(input)}/statements/${month}`;
      return { method: "GET", path, ...(format && { query: { format }, isText: true }) };
    },
    show: (answer) => ({
      columns: lineColumns,
      rows: readList(answer, "lines"),
      none: "Nothing was used.",
      notes: [
        `In all: ${writeMoney(Number(read(answer, "totals.costMicros")))} ${clean(read(answer, "currency"))}. ` +
          (read(answer, "isFinal") === true ? "Final." : "Not final yet."),
      ],
      ...currencyIn(answer),
    }),
  },
  {
    name: "prices list",
    usage: "",
    about: "List what models cost, in millionths of the currency a million tokens: now, before and to come.",
    options: { model: { value: "MODEL", about: "Of this model or alias only." } },
    words: 0,
    question: ({ flags }) => ({ method: "GET", path: "/control/prices", query: { model: flags.one("model") } }),
    show: (answer) => ({ columns: priceColumns, rows: readList(answer, "prices"), notes: [writeCurrency(answer)] }),
  },
  {
    name: "prices set",
    usage: "MODEL",
    about: "Set what a model costs in a tier from a moment on (operators).",
    more: [
      "",
      "Example: penstock prices set qwen-chat --tier shared --prompt 200000 --cached 20000 --completion 600000",
    ],
    options: {
      tier: { value: "TIER", about: "shared or complex." },
      prompt: { value: "MICROS", about: "Millionths of the currency for a million prompt tokens." },
      cached: { value: "MICROS", about: "The same for those that the prefix cache had; as others if not given." },
      completion: { value: "MICROS", about: "The same for completion tokens." },
      from: {
        value: "WHEN",
        about: "A UTC date, a moment with its zone, or a time from now (1h); in a minute if not given.",
      },
    },
    words: 1,
    question: ({ flags, nowMs }) => ({
      method: "POST",
      path: "/control/prices",
      body: given({
        model: flags.word(0, "MODEL"),
        tier: readChoice(flags, "tier", ["shared", "complex"]),
        promptMicrosPerMTok: readWhole(flags, "prompt"),
        cachedMicrosPerMTok: readWhole(flags, "cached"),
        completionMicrosPerMTok: readWhole(flags, "completion"),
        from: readStart(flags.one("from"), nowMs),
      }),
    }),
    show: (answer) => ({ columns: priceColumns, rows: [answer], isOne: true }),
  },
];

function readMonth(flags: Flags): string | undefined {
  const month = flags.one("month");
  if (month === undefined || /^20\d\d-(0[1-9]|1[0-2])$/.test(month)) return month;
  throw new UsageError(`--month takes a month such as 2026-11; not '${month}'.`);
}

function readStart(text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined;
  const span = readSpan(text);
  const ms = span === null ? readMoment(text) : nowMs + span;
  if (ms === null)
    throw new UsageError(`--from takes a UTC date, a moment with its zone, or a time from now; not '${text}'.`);
  return new Date(ms).toISOString();
}

function writeCurrency(answer: unknown): string {
  return `In millionths of ${clean(read(answer, "currency"))} for a million tokens.`;
}

function writeSpent(answer: unknown): string {
  const currency = clean(read(answer, "currency"));
  const money = (path: string) => `${writeMoney(Number(read(answer, path)))} ${currency}`;
  const forecast = read(answer, "forecastMicros") === null ? "" : `, forecast ${money("forecastMicros")}`;
  return `${show(read(answer, "month"))}: spent ${money("spentMicros")}${forecast}.`;
}
