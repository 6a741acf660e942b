import { ratesAsSet } from "#edge/agreements/records/windows.ts";
import { readLimits, UsageError, type Flags, type Option } from "../input/flags.ts";
import { readList, type Column } from "../output/table.ts";
import type { View } from "../output/view.ts";
import {
  aboutWindows,
  given,
  limitOption,
  listedWindowColumns,
  nextPage,
  orgPath,
  pageOptions,
  pageQuery,
  readSwitch,
  windowColumns,
  type Command,
} from "./command.ts";

const planOption: Option = {
  value: "PLAN",
  about: "standard, professional or enterprise: sets every limit to the plan's.",
};

const placementOption: Option = {
  value: "PLACEMENT",
  about: "own or shards: which object keeps its ledger. Own with plan enterprise, else shards.",
};

const orgColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["PLAN", "plan"],
  ...listedWindowColumns,
  ["SUSPENDED", "isSuspended"],
];
const orgFields: Column[] = [
  ["id", "id"],
  ["name", "name"],
  ["plan", "plan"],
  ["suspended", "isSuspended"],
  ["second factor needed", "requiresMfa"],
  ["closed", "closedAt"],
  ["responses kept (hours)", "responseRetentionHours"],
  ...windowColumns,
  ["created", "createdAt"],
];

/** `penstock orgs …` */
export const orgCommands: readonly Command[] = [
  {
    name: "orgs create",
    usage: "NAME",
    about: "Create an org (operators).",
    more: aboutWindows,
    options: { plan: planOption, limit: limitOption, placement: placementOption },
    words: 1,
    question: ({ flags }) => ({
      method: "POST",
      path: "/control/orgs",
      body: {
        name: flags.word(0, "NAME"),
        ...given({
          plan: flags.one("plan"),
          limits: readLimits(flags.many("limit")),
          placement: flags.one("placement"),
        }),
      },
    }),
    show: showOrg,
  },
  {
    name: "orgs list",
    usage: "",
    about: "List orgs, newest first; an admin's own alone.",
    options: pageOptions,
    words: 0,
    question: ({ flags }) => ({ method: "GET", path: "/control/orgs", query: pageQuery(flags) }),
    show: (answer) => ({
      columns: orgColumns,
      rows: readList(answer, "orgs"),
      none: "There are no orgs.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "orgs show",
    usage: "[ORG]",
    about: "Show an org and its limits.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: orgPath(input) }),
    show: showOrg,
  },
  {
    name: "orgs set",
    usage: "ORG",
    about: "Set an org's name, or whether its members need a second factor; plan, limits, suspension (operators).",
    more: [
      ...aboutWindows,
      `With --plan enterprise, ${ratesAsSet.join(", ").replace(/, ([^,]*)$/, " and $1")} must be given.`,
    ],
    options: {
      name: { value: "NAME", about: "Its new name." },
      plan: planOption,
      limit: limitOption,
      suspend: { about: "Refuse all its calls." },
      resume: { about: "Let it call again; opens a closed one." },
      "require-mfa": { about: "Members without a second factor may do nothing there." },
      "allow-no-mfa": { about: "Lift that." },
    },
    words: 1,
    question: (input) => ({
      method: "PATCH",
      path: orgPath({ ...input, org: undefined }),
      body: readChange(input.flags),
    }),
    show: showOrg,
  },
  {
    name: "orgs retain",
    usage: "[ORG]",
    about: "Set for how many hours an org's responses are stored, or store none.",
    more: ["With --none all that are stored are deleted at once, for good. Fewer hours end those that are older."],
    options: {
      hours: { value: "HOURS", about: "1 to 720: so long is each kept, those that are there too." },
      none: { about: "Keep none, and delete all that there are." },
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "PUT",
      path: `${orgPath(input)}/response-retention`,
      body: { hours: readHours(input.flags) },
    }),
    show: showOrg,
  },
  {
    name: "orgs close",
    usage: "ORG",
    about: "Close an org: suspend it, and revoke each of its keys for good.",
    more: ["An operator can resume it, without the keys. Its bill and its log stay."],
    options: {},
    words: 1,
    question: (input) => ({ method: "DELETE", path: orgPath({ ...input, org: undefined }), body: {} }),
    show: showOrg,
  },
  {
    name: "orgs move",
    usage: "ORG",
    about: "Move an org's ledger out of its shard, to an object of its own (operators).",
    more: ["Its calls are refused until it is there. When it fails, repeat it: it goes on where it is."],
    options: {},
    words: 1,
    question: (input) => ({
      method: "POST",
      path: `${orgPath({ ...input, org: undefined })}/move`,
      body: { placement: "own" },
    }),
    show: showOrg,
  },
];

function showOrg(answer: unknown): View {
  return { columns: orgFields, rows: [answer], isOne: true };
}

function readHours(flags: Flags): number | null {
  const hours = flags.one("hours");
  if (flags.is("none") === (hours !== undefined)) throw new UsageError("give --hours or --none, and not both.");
  if (hours === undefined) return null;
  if (!/^[1-9]\d{0,2}$/.test(hours)) throw new UsageError("--hours must be a whole number from 1 to 720.");
  return Number(hours);
}

function readChange(flags: Flags): Record<string, unknown> {
  const isSuspended = readSwitch(flags, "suspend", "resume");
  const change = given({
    name: flags.one("name"),
    plan: flags.one("plan"),
    limits: readLimits(flags.many("limit")),
    isSuspended,
    requiresMfa: readSwitch(flags, "require-mfa", "allow-no-mfa"),
  });
  if (Object.keys(change).length === 0)
    throw new UsageError("nothing to set: give --name, --plan, --limit, --suspend, --resume or --require-mfa.");
  return change;
}
