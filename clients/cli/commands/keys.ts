import { readLimits, UsageError, type Flags, type Option } from "../input/flags.ts";
import { readExpiry, readOverlap } from "../input/times.ts";
import { clean, readList, read, show, type Column } from "../output/table.ts";
import type { View } from "../output/view.ts";
import {
  aboutWindows,
  exampleWindow,
  given,
  limitOption,
  nextPage,
  orgPath,
  pageOptions,
  pageQuery,
  type Command,
} from "./command.ts";

const expiresOption: Option = {
  value: "WHEN",
  about: "A time from now (30d, 12h), a UTC date (2026-12-31: its first moment), a moment with its zone, or never.",
};
const scopeOptions: Record<string, Option> = {
  endpoint: {
    value: "ENDPOINT",
    isMany: true,
    about:
      "chat.completions, responses, messages, completions, embeddings, text2sql, rerank, score, ollama.chat, " +
      "ollama.generate, ollama.embed or models.",
  },
  model: { value: "MODEL", isMany: true, about: "A model or alias, as 'penstock models' lists them." },
  cidr: { value: "CIDR", isMany: true, about: "Addresses that may use it, e.g. 203.0.113.0/24." },
  expires: expiresOption,
  limit: limitOption,
  project: { value: "PROJECT", about: "The project in whose windows its calls count, too; none is none." },
  owner: { value: "OWNER", about: "The member (user_…) or service account (sa_…) that it is for; none is nobody." },
};

const keyColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["KIND", "kind"],
  ["STATE", "state"],
  ["LAST USED", "lastUsedAt"],
  ["EXPIRES", "expiresAt"],
  ["MODELS", "models"],
  ["ENDPOINTS", "endpoints"],
  ["IPS", "ipCidrs"],
  ["KEY", "hint"],
];
const keyFields: Column[] = [
  ["id", "id"],
  ["org", "org"],
  ["name", "name"],
  ["kind", "kind"],
  ["role", "role"],
  ["state", "state"],
  ["endpoints", "endpoints"],
  ["models", "models"],
  ["ips", "ipCidrs"],
  ["limits", "limits"],
  ["project", "project"],
  ["owner", "owner"],
  ["expires", "expiresAt"],
  ["revoked", "revokedAt"],
  ["replaces", "replaces"],
  ["created", "createdAt"],
  ["last used", "lastUsedAt"],
];

const makeCommands: readonly Command[] = [
  {
    name: "bootstrap",
    usage: "",
    about: "Create the first operator key of a deployment.",
    more: ["Works while no operator key is in force, for the holder of BOOTSTRAP_TOKEN. The key is shown once."],
    options: { token: { value: "TOKEN", about: "The bootstrap token (better: PENSTOCK_BOOTSTRAP_TOKEN)." } },
    words: 0,
    credential: "bootstrap token",
    question: () => ({ method: "POST", path: "/control/bootstrap" }),
    show: (answer) => showNewKey(read(answer, "key")),
  },
  {
    name: "keys create",
    usage: "[ORG]",
    about: "Create a key. It is shown once.",
    more: [
      "Without --endpoint, --model or --cidr the key may use any.",
      ...aboutWindows,
      "",
      `Example: penstock keys create --name laptop --model chat --expires 30d --limit ${exampleWindow}=1000`,
    ],
    options: {
      name: { value: "NAME", about: "What the key is for." },
      kind: { value: "KIND", about: "inference (if not given) or admin." },
      ...scopeOptions,
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "POST",
      path: `${orgPath(input)}/keys`,
      body: readNewKey(input.flags, input.nowMs),
    }),
    show: (answer) => showNewKey(answer),
  },
  {
    name: "keys rotate",
    usage: "KEY_ID",
    about: "Make a new key with the same scopes and windows; the old one ends after the overlap.",
    more: ["What the old key has used of its limits counts for the new one as well."],
    options: {
      overlap: {
        value: "TIME",
        about: "How long the old key still works: 24h if not given, 72h at most, 0 to revoke it at once.",
      },
      expires: { ...expiresOption, about: `${expiresOption.about} As the old key if not given.` },
    },
    words: 1,
    question: ({ flags, nowMs }) => ({
      method: "POST",
      path: `${keyPath(flags)}/rotate`,
      body: {
        overlapSeconds: readOverlap(flags.one("overlap") ?? "24h"),
        ...given({ expiresAt: readExpiry(flags.one("expires"), nowMs) }),
      },
    }),
    show: (answer) => showNewKey(answer, [`The old key ${showEnd(read(answer, "replaced"))}.`]),
  },
];

const keepCommands: readonly Command[] = [
  {
    name: "keys list",
    usage: "[ORG]",
    about: "List an org's keys, newest first.",
    options: {
      ...pageOptions,
      owner: { value: "OWNER", about: "Only those of this member (user_…) or service account (sa_…)." },
      project: { value: "PROJECT", about: "Only those of this project." },
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({
      method: "GET",
      path: `${orgPath(input)}/keys`,
      query: { ...pageQuery(input.flags), owner: input.flags.one("owner"), project: input.flags.one("project") },
    }),
    show: (answer) => ({
      columns: keyColumns,
      rows: readList(answer, "keys"),
      none: "There are no keys.",
      notes: nextPage(answer),
    }),
  },
  {
    name: "keys show",
    usage: "KEY_ID",
    about: "Show a key's scopes, limits and expiry (never the key itself).",
    options: {},
    words: 1,
    question: ({ flags }) => ({ method: "GET", path: keyPath(flags) }),
    show: showKey,
  },
  {
    name: "keys set",
    usage: "KEY_ID",
    about: "Set a key's name, scopes, limits, expiry, project or owner. What is not named stays.",
    more: ["A scope that is given replaces what it was; 'any' lifts it, as in --model any.", ...aboutWindows],
    options: { name: { value: "NAME", about: "Its new name." }, ...scopeOptions },
    words: 1,
    question: ({ flags, nowMs }) => ({ method: "PATCH", path: keyPath(flags), body: readChange(flags, nowMs) }),
    show: showKey,
  },
  {
    name: "keys revoke",
    usage: "KEY_ID",
    about: "Revoke a key. Once this has answered, the next call with it is refused.",
    options: {},
    words: 1,
    question: ({ flags }) => ({ method: "POST", path: `${keyPath(flags)}/revoke` }),
    show: showKey,
  },
];

/** `penstock bootstrap` and `penstock keys …` */
export const keyCommands: readonly Command[] = [...makeCommands, ...keepCommands];

/** A key's id holds its org's reference, so the org need not be named. */
function keyPath(flags: Flags): string {
  const id = flags.word(0, "KEY_ID");
  const match = /^key_([0-9A-Za-z]{10})[0-9A-Za-z]{6}$/.exec(id);
  if (!match) throw new UsageError("KEY_ID must be the id of a key (key_…), as 'penstock keys list' shows it.");
  return `/control/orgs/org_${match[1]}/keys/${id}`;
}

function readNewKey(flags: Flags, nowMs: number): Record<string, unknown> {
  const name = flags.one("name");
  if (!name) throw new UsageError("--name is missing: say what the key is for.");
  const scopes = { endpoints: flags.many("endpoint"), models: flags.many("model"), ipCidrs: flags.many("cidr") };
  const bounds = { expiresAt: readExpiry(flags.one("expires"), nowMs), limits: readLimits(flags.many("limit")) };
  return { name, ...given({ kind: flags.one("kind"), ...scopes, ...bounds, ...readHome(flags) }) };
}

function readChange(flags: Flags, nowMs: number): Record<string, unknown> {
  const change = given({
    name: flags.one("name"),
    endpoints: readScope(flags, "endpoint"),
    models: readScope(flags, "model"),
    ipCidrs: readScope(flags, "cidr"),
    expiresAt: readExpiry(flags.one("expires"), nowMs),
    limits: readLimits(flags.many("limit")),
    ...readHome(flags),
  });
  if (Object.keys(change).length > 0) return change;
  throw new UsageError(
    "nothing to set: give --name, --endpoint, --model, --cidr, --limit, --expires, --project or --owner.",
  );
}

function readHome(flags: Flags): Record<string, string | null | undefined> {
  const read = (name: string) => (flags.one(name) === "none" ? null : flags.one(name));
  return { project: read("project"), owner: read("owner") };
}

function readScope(flags: Flags, name: string): string[] | null | undefined {
  const values = flags.many(name);
  if (!values?.includes("any")) return values;
  if (values.length > 1) throw new UsageError(`--${name} any stands alone.`);
  return null;
}

function showKey(answer: unknown): View {
  return { columns: keyFields, rows: [answer], isOne: true };
}

function showNewKey(key: unknown, notes: string[] = []): View {
  const secret = [clean(read(key, "secret")), "Keep it now: it is not shown again."];
  return { ...showKey(key), csvOnly: [["secret", "secret"]], notes: [...secret, ...notes] };
}

function showEnd(key: unknown): string {
  const revokedAt = read(key, "revokedAt");
  const id = clean(read(key, "id"));
  return revokedAt === null
    ? `${id} ends at ${show(read(key, "expiresAt"))}`
    : `${id} was revoked at ${show(revokedAt)}`;
}
