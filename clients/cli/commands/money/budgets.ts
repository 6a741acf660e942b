import { UsageError, type Flags, type Option } from "../../input/flags.ts";
import { readList, type Column } from "../../output/table.ts";
import type { View } from "../../output/view.ts";
import { currencyIn, given, orgPath, readWhole, type Command } from "../command.ts";

const columns: Column[] = [
  ["ID", "id"],
  ["PROJECT", "project"],
  ["KEY", "key"],
  ["AMOUNT", "amountMicros", "money"],
  ["SPENT", "spentMicros", "money"],
  ["TOLD AT %", "sharesPercent"],
  ["STOPS", "isStop"],
];
const termOptions: Record<string, Option> = {
  "amount-micros": { value: "MICROS", about: "What may be spent in a UTC month, in millionths of the currency." },
  share: { value: "PERCENT", isMany: true, about: "At which share it is told; 50, 80 and 100 if none is given." },
  stop: { about: "Calls that would go beyond it are refused." },
};
const idOption: Option = { value: "BUDGET", about: "The budget, as 'penstock budgets list' shows it." };
const showOne = (answer: unknown): View => ({ columns, rows: [answer], isOne: true });

/** `penstock budgets …` */
export const budgetCommands: readonly Command[] = [
  {
    name: "budgets list",
    usage: "[ORG]",
    about: "List an org's budgets, with what of each was spent this month.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/budgets` }),
    show: (answer) => ({
      columns,
      rows: readList(answer, "budgets"),
      none: "There are no budgets.",
      ...currencyIn(answer),
    }),
  },
  {
    name: "budgets create",
    usage: "[ORG]",
    about: "Set what an org, or a project or key of it, may spend in a month.",
    more: ["", "Example: penstock budgets create --amount-micros 500000000 --share 80 --share 100 --stop"],
    options: {
      project: { value: "PROJECT", about: "Of this project." },
      "key-id": { value: "KEY_ID", about: "Of this key and its successors." },
      ...termOptions,
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input)}/budgets`,
      body: given({
        project: input.flags.one("project"),
        key: input.flags.one("key-id"),
        ...readTerms(input.flags),
        isStop: input.flags.is("stop") || undefined,
      }),
    }),
    show: showOne,
  },
  {
    name: "budgets change",
    usage: "[ORG]",
    about: "Change a budget's amount, its shares, or whether it stops calls.",
    options: { id: idOption, ...termOptions, "no-stop": { about: "Calls are not refused any more." } },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "PATCH",
      path: `${orgPath(input)}/budgets/${readId(input.flags)}`,
      body: given({ ...readTerms(input.flags), isStop: readStop(input.flags) }),
    }),
    show: showOne,
  },
  {
    name: "budgets delete",
    usage: "[ORG]",
    about: "Delete a budget; what it stopped goes on.",
    options: { id: idOption },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "DELETE", path: `${orgPath(input)}/budgets/${readId(input.flags)}` }),
    show: showOne,
  },
];

function readTerms(flags: Flags) {
  const shares = flags.many("share")?.map((text) => {
    if (!/^\d{1,4}$/.test(text)) throw new UsageError(`--share takes a whole number of per cent; not '${text}'.`);
    return Number(text);
  });
  return { amountMicros: readWhole(flags, "amount-micros"), sharesPercent: shares };
}

function readStop(flags: Flags): boolean | undefined {
  if (flags.is("stop") && flags.is("no-stop")) throw new UsageError("--stop and --no-stop exclude each other.");
  if (flags.is("stop")) return true;
  return flags.is("no-stop") ? false : undefined;
}

function readId(flags: Flags): string {
  const id = flags.one("id") ?? "";
  if (/^bud_[0-9A-Za-z]{22}$/.test(id)) return id;
  throw new UsageError("--id takes a budget's id (bud_…), as 'penstock budgets list' shows it.");
}
