import { nextPage, orgPath, pageOf, pageOptions, type Command } from "./command.ts";
import type { Flags } from "./flags.ts";
import { clean, listOf, read, writeTable, type Column } from "./table.ts";

const usageColumns: Column[] = [
  ["ADMITTED", "admittedAt"],
  ["MODEL", "model"],
  ["TIER", "tier"],
  ["ENDPOINT", "endpoint"],
  ["END", "end"],
  ["PROMPT", "promptTokens"],
  ["CACHED", "cachedTokens"],
  ["COMPLETION", "completionTokens"],
  ["COST µ", "costMicros"],
  ["KEY", "key"],
];
const ledgerColumns: Column[] = [
  ["WINDOW", "window"],
  ["OF", "of"],
  ["LIMIT", "limit"],
  ["REMAINING", "remaining"],
  ["HELD", "held"],
  ["SETTLED", "settled"],
  ["RESETS", "resetAt"],
];

/** `penstock usage …` and `penstock ledger …` */
export const usageCommands: readonly Command[] = [
  {
    name: "usage list",
    usage: "[ORG]",
    about: "List an org's usage, newest first, with totals.",
    options: {
      from: { value: "WHEN", about: "From this date or moment (ISO 8601)." },
      to: { value: "WHEN", about: "Up to, but not at, this date or moment." },
      "key-id": { value: "KEY_ID", about: "Of this key only." },
      model: { value: "MODEL", about: "Of this model only." },
      ...pageOptions,
    },
    words: 1,
    question: (asked) => ({ method: "GET", path: `${orgPath(asked)}/usage`, query: usageOf(asked.flags) }),
    show: showUsage,
  },
  {
    name: "ledger show",
    usage: "[ORG]",
    about: "Show an org's windows: limit, remaining, held and settled.",
    options: {},
    words: 1,
    question: (asked) => ({ method: "GET", path: `${orgPath(asked)}/ledger` }),
    show: (answer) => {
      const holds = listOf(answer, "openHolds").length;
      const table = writeTable(ledgerColumns, listOf(answer, "windows"), "There are no windows.");
      return `${table}\n\nAt ${clean(read(answer, "at"))}: ${holds} open, ${clean(read(answer, "outboxRows"))} usage rows on their way to the list.`;
    },
  },
];

function usageOf(flags: Flags): Record<string, string | undefined> {
  return {
    from: flags.one("from"),
    to: flags.one("to"),
    key: flags.one("key-id"),
    model: flags.one("model"),
    ...pageOf(flags),
  };
}

function showUsage(answer: unknown): string {
  const totals = read(answer, "totals");
  const sum = (name: string) => clean(read(totals, name));
  const tokens = `${sum("promptTokens")} prompt tokens (${sum("cachedTokens")} cached), ${sum("completionTokens")} completion tokens`;
  const table = writeTable(usageColumns, listOf(answer, "rows"), "There is no usage.");
  return `${table}\n\nIn all: ${sum("calls")} calls, ${tokens}, ${sum("costMicros")} micro-units of money.${nextPage(answer)}`;
}
