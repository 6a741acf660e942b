import { readLimits, UsageError, type Flags } from "../input/flags.ts";
import { readList, type Column } from "../output/table.ts";
import {
  aboutWindows,
  given,
  limitOption,
  nextPage,
  orgPath,
  pageOptions,
  pageQuery,
  readId,
  readSwitch,
  showOne,
  type Command,
  type Given,
} from "./command.ts";

const projectColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["LIMITS", "limits"],
  ["ARCHIVED", "isArchived"],
  ["CREATED", "createdAt"],
];
const accountColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["PROJECT", "project"],
  ["REMOVED", "removedAt"],
  ["CREATED", "createdAt"],
];

const projects: readonly Command[] = [
  {
    name: "projects create",
    usage: "[ORG]",
    about: "Create a project: keys with windows of their own together.",
    more: aboutWindows,
    options: { name: { value: "NAME", about: "What it is called." }, limit: limitOption },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input)}/projects`,
      body: { name: readName(input.flags), ...given({ limits: readLimits(input.flags.many("limit")) }) },
    }),
    show: (answer) => showOne(projectColumns, answer),
  },
  {
    name: "projects list",
    usage: "[ORG]",
    about: "List an org's projects, newest first.",
    options: pageOptions,
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/projects`, query: pageQuery(input.flags) }),
    show: (answer) => ({
      columns: projectColumns,
      rows: readList(answer, "projects"),
      none: "There are no projects.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "projects show",
    usage: "ORG PROJECT",
    about: "Show a project.",
    options: {},
    words: 2,
    question: (input) => ({ method: "GET", path: projectPath(input) }),
    show: (answer) => showOne(projectColumns, answer),
  },
  {
    name: "projects set",
    usage: "ORG PROJECT",
    about: "Set a project's name or limits; archive it or bring it back.",
    more: ["The keys of an archived project are refused.", ...aboutWindows],
    options: {
      name: { value: "NAME", about: "Its new name." },
      limit: limitOption,
      archive: { about: "Refuse its keys." },
      restore: { about: "Let them call again." },
    },
    words: 2,
    question: (input) => ({ method: "PATCH", path: projectPath(input), body: readChange(input.flags) }),
    show: (answer) => showOne(projectColumns, answer),
  },
];

const accounts: readonly Command[] = [
  {
    name: "service-accounts create",
    usage: "[ORG]",
    about: "Create a service account: a program that keys can be made for (keys create --owner).",
    options: {
      name: { value: "NAME", about: "What it is called." },
      project: { value: "PROJECT", about: "The project of its keys, unless they name another." },
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input)}/service-accounts`,
      body: { name: readName(input.flags), ...given({ project: input.flags.one("project") }) },
    }),
    show: (answer) => showOne(accountColumns, answer),
  },
  {
    name: "service-accounts list",
    usage: "[ORG]",
    about: "List an org's service accounts, newest first.",
    options: pageOptions,
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/service-accounts`, query: pageQuery(input.flags) }),
    show: (answer) => ({
      columns: accountColumns,
      rows: readList(answer, "serviceAccounts"),
      none: "There are no service accounts.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "service-accounts remove",
    usage: "ORG SERVICE_ACCOUNT",
    about: "Remove a service account, and revoke its keys.",
    options: {},
    words: 2,
    question: (input) => {
      const id = readId(input.flags, { at: 1, name: "SERVICE_ACCOUNT" }, "sa", "service-accounts list");
      return { method: "DELETE", path: `${orgPath({ ...input, org: undefined })}/service-accounts/${id}`, body: {} };
    },
    show: (answer) => showOne(accountColumns, answer),
  },
];

/** `penstock projects …` and `penstock service-accounts …` */
export const projectCommands: readonly Command[] = [...projects, ...accounts];

function projectPath(input: Given): string {
  const project = readId(input.flags, { at: 1, name: "PROJECT" }, "proj", "projects list");
  return `${orgPath({ ...input, org: undefined })}/projects/${project}`;
}

function readName(flags: Flags): string {
  const name = flags.one("name");
  if (!name) throw new UsageError("--name is missing.");
  return name;
}

function readChange(flags: Flags): Record<string, unknown> {
  const change = given({
    name: flags.one("name"),
    limits: readLimits(flags.many("limit")),
    isArchived: readSwitch(flags, "archive", "restore"),
  });
  if (Object.keys(change).length > 0) return change;
  throw new UsageError("nothing to set: give --name, --limit, --archive or --restore.");
}
