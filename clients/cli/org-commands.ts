import { given, limitOption, namedOrgPath, nextPage, pageOf, pageOptions, windows, type Command } from "./command.ts";
import { readLimits, UsageError, type Flags, type Option } from "./flags.ts";
import { listOf, writeFields, writeTable, type Column } from "./table.ts";

const planOption: Option = {
  value: "PLAN",
  about: "standard, professional or enterprise: sets every limit to the plan's.",
};

const orgColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["PLAN", "plan"],
  ["REQ/MIN", "limits.requestsPerMinute"],
  ["REQ/HOUR", "limits.requestsPerHour"],
  ["AT ONCE", "limits.concurrency"],
  ["TOKENS/DAY", "limits.tokensPerDay"],
  ["SUSPENDED", "isSuspended"],
];
const orgFields: Column[] = [
  ["id", "id"],
  ["name", "name"],
  ["plan", "plan"],
  ["suspended", "isSuspended"],
  ...windows.split(", ").map((name): Column => [name, `limits.${name}`]),
  ["created", "createdAt"],
];

/** `penstock orgs …` */
export const orgCommands: readonly Command[] = [
  {
    name: "orgs create",
    usage: "NAME",
    about: "Create an org.",
    more: [`Windows: ${windows}.`],
    options: { plan: planOption, limit: limitOption },
    words: 1,
    question: ({ flags }) => ({
      method: "POST",
      path: "/control/orgs",
      body: {
        name: flags.word(0, "NAME"),
        ...given({ plan: flags.one("plan"), limits: readLimits(flags.many("limit")) }),
      },
    }),
    show: (answer) => writeFields(orgFields, answer),
  },
  {
    name: "orgs list",
    usage: "",
    about: "List orgs, newest first.",
    options: pageOptions,
    words: 0,
    question: ({ flags }) => ({ method: "GET", path: "/control/orgs", query: pageOf(flags) }),
    show: (answer) => writeTable(orgColumns, listOf(answer, "orgs"), "There are no orgs.") + nextPage(answer),
  },
  {
    name: "orgs show",
    usage: "ORG",
    about: "Show an org and its limits.",
    options: {},
    words: 1,
    question: ({ flags }) => ({ method: "GET", path: namedOrgPath(flags.word(0, "ORG")) }),
    show: (answer) => writeFields(orgFields, answer),
  },
  {
    name: "orgs set",
    usage: "ORG",
    about: "Set an org's name, plan or limits; suspend or resume it.",
    more: [
      `Windows: ${windows}.`,
      "With --plan enterprise, requestsPerMinute, requestsPerHour and concurrency must be given.",
    ],
    options: {
      name: { value: "NAME", about: "Its new name." },
      plan: planOption,
      limit: limitOption,
      suspend: { about: "Refuse all its calls." },
      resume: { about: "Let it call again." },
    },
    words: 1,
    question: ({ flags }) => ({ method: "PATCH", path: namedOrgPath(flags.word(0, "ORG")), body: changeOf(flags) }),
    show: (answer) => writeFields(orgFields, answer),
  },
];

function changeOf(flags: Flags): Record<string, unknown> {
  if (flags.is("suspend") && flags.is("resume")) throw new UsageError("--suspend and --resume exclude each other.");
  const isSuspended = flags.is("suspend") ? true : flags.is("resume") ? false : undefined;
  const change = given({
    name: flags.one("name"),
    plan: flags.one("plan"),
    limits: readLimits(flags.many("limit")),
    isSuspended,
  });
  if (Object.keys(change).length === 0)
    throw new UsageError("nothing to set: give --name, --plan, --limit, --suspend or --resume.");
  return change;
}
