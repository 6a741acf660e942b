import { UsageError, type Flags, type Option } from "../input/flags.ts";
import { clean, read, readList, type Column } from "../output/table.ts";
import type { View } from "../output/view.ts";
import { given, nextPage, orgPath, pageOptions, pageQuery, type Command, type Given } from "./command.ts";

const webhookColumns: Column[] = [
  ["ID", "id"],
  ["URL", "url"],
  ["TYPES", "types"],
  ["ENABLED", "isEnabled"],
  ["FAILING SINCE", "failingSince"],
];
const webhookFields: Column[] = [
  ["id", "id"],
  ["url", "url"],
  ["types", "types"],
  ["description", "description"],
  ["enabled", "isEnabled"],
  ["failing since", "failingSince"],
  ["switched off", "switchedOffAt"],
  ["old secret ends", "oldSecretEndsAt"],
  ["created", "createdAt"],
];
const deliveryColumns: Column[] = [
  ["ID", "id"],
  ["TYPE", "type"],
  ["STATUS", "status"],
  ["TRIES", "tries"],
  ["CODE", "lastCode"],
  ["ERROR", "lastError"],
  ["MS", "lastDurationMs"],
  ["LAST TRY", "lastTryAt"],
  ["NEXT TRY", "nextTryAt"],
  ["EVENT", "event"],
];
const eventColumns: Column[] = [
  ["AT", "at"],
  ["TYPE", "type"],
  ["ID", "id"],
];

const webhookOptions: Record<string, Option> = {
  type: { value: "TYPE", isMany: true, about: "Listens for this type alone, such as key.leaked; all if not given." },
  description: { value: "TEXT", about: "What it is for." },
};
/** Commands that name a webhook or a delivery take the org after it. */
const second = { words: 2, mayOmitOrg: true, orgAt: 1 } as const;

/** `penstock webhooks …` and `penstock events list` */
export const webhookCommands: readonly Command[] = [
  {
    name: "webhooks create",
    usage: "URL [ORG]",
    about: "Have an org's events sent to a URL; shows the secret that signs them, once.",
    options: webhookOptions,
    ...second,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input, 1)}/webhooks`,
      body: {
        url: input.flags.word(0, "URL"),
        ...given({ types: input.flags.many("type"), description: input.flags.one("description") }),
      },
    }),
    show: showSecret,
  },
  {
    name: "webhooks list",
    usage: "[ORG]",
    about: "List an org's webhooks, newest first.",
    options: pageOptions,
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: `${orgPath(input)}/webhooks`, query: pageQuery(input.flags) }),
    show: (answer) => ({
      columns: webhookColumns,
      rows: readList(answer, "webhooks"),
      none: "There are no webhooks.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "webhooks set",
    usage: "WEBHOOK_ID [ORG]",
    about: "Set a webhook's URL, types or description; switch it on or off.",
    options: {
      url: { value: "URL", about: "Its new URL." },
      ...webhookOptions,
      enable: { about: "Switch it on." },
      disable: { about: "Switch it off: what happens meanwhile is never sent." },
    },
    ...second,
    question: (input) => ({ method: "PATCH", path: webhookPath(input), body: readChange(input.flags) }),
    show: showWebhook,
  },
  {
    name: "webhooks rotate",
    usage: "WEBHOOK_ID [ORG]",
    about: "Give a webhook a new secret; the old one signs too until the overlap is over.",
    options: {
      overlap: { value: "HOURS", about: "How many hours: 24 if not given, 72 at most, 0 to end it at once." },
    },
    ...second,
    question: (input) => ({
      method: "POST",
      path: `${webhookPath(input)}/rotate`,
      body: { overlapSeconds: readHours(input.flags.one("overlap") ?? "24") * 3_600 },
    }),
    show: showSecret,
  },
  {
    name: "webhooks test",
    usage: "WEBHOOK_ID [ORG]",
    about: "Send a test event to a webhook; 'penstock webhooks deliveries' shows what came of it.",
    options: {},
    ...second,
    question: (input) => ({ method: "POST", path: `${webhookPath(input)}/test` }),
    show: showDelivery,
  },
  {
    name: "webhooks delete",
    usage: "WEBHOOK_ID [ORG]",
    about: "Delete a webhook and the log of its deliveries.",
    options: {},
    ...second,
    question: (input) => ({ method: "DELETE", path: webhookPath(input) }),
    show: (answer) => ({ columns: [["deleted", "id"]], rows: [answer], isOne: true }),
  },
  {
    name: "webhooks deliveries",
    usage: "WEBHOOK_ID [ORG]",
    about: "List what was sent to a webhook, newest first, and what came of it.",
    options: { status: { value: "STATUS", about: "pending, delivered or failed." }, ...pageOptions },
    ...second,
    question: (input) => ({
      method: "GET",
      path: `${webhookPath(input)}/deliveries`,
      query: { status: input.flags.one("status"), ...pageQuery(input.flags) },
    }),
    show: (answer) => ({
      columns: deliveryColumns,
      rows: readList(answer, "deliveries"),
      none: "Nothing was sent.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "webhooks redeliver",
    usage: "DELIVERY_ID [ORG]",
    about: "Send an event to its webhook once more.",
    options: {},
    ...second,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input, 1)}/deliveries/${readId(input.flags, "DELIVERY_ID", "dlv_")}/redeliver`,
    }),
    show: showDelivery,
  },
  {
    name: "events list",
    usage: "[ORG]",
    about: "List what happened in an org, newest first; --json shows all of it.",
    options: { type: { value: "TYPE", about: "Of this type only, such as key.leaked." }, ...pageOptions },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/events`,
      query: { type: input.flags.one("type"), ...pageQuery(input.flags) },
    }),
    show: (answer) => ({
      columns: eventColumns,
      rows: readList(answer, "events"),
      none: "Nothing has happened.",
      notes: nextPage(answer),
    }),
  },
];

function webhookPath(input: Given): string {
  return `${orgPath(input, 1)}/webhooks/${readId(input.flags, "WEBHOOK_ID", "wh_")}`;
}

function readId(flags: Flags, name: string, prefix: string): string {
  const id = flags.word(0, name);
  if (new RegExp(`^${prefix}[0-9A-Za-z]{22}$`).test(id)) return id;
  throw new UsageError(`${name} must be an id (${prefix}…), as the lists show it.`);
}

function readHours(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) <= 72) return Number(text);
  throw new UsageError("--overlap must be a whole number of hours from 0 to 72.");
}

function readChange(flags: Flags): Record<string, unknown> {
  if (flags.is("enable") && flags.is("disable")) throw new UsageError("--enable and --disable exclude each other.");
  const isEnabled = flags.is("enable") ? true : flags.is("disable") ? false : undefined;
  const [url, description, types] = [flags.one("url"), flags.one("description"), flags.many("type")];
  const change = given({ url, description, types: types?.includes("all") ? null : types, isEnabled });
  if (Object.keys(change).length > 0) return change;
  throw new UsageError("nothing to set: give --url, --type ('all' for all), --description, --enable or --disable.");
}

function showWebhook(answer: unknown): View {
  return { columns: webhookFields, rows: [answer], isOne: true };
}

function showSecret(answer: unknown): View {
  const notes = [clean(read(answer, "secret")), "Keep it now: it is not shown again."];
  return { ...showWebhook(answer), csvOnly: [["secret", "secret"]], notes };
}

function showDelivery(answer: unknown): View {
  return {
    columns: deliveryColumns.map(([head, path]): Column => [head.toLowerCase(), path]),
    rows: [answer],
    isOne: true,
  };
}
