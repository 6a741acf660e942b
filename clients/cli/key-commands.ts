import { given, limitOption, nextPage, orgPath, pageOf, pageOptions, windows, type Command } from "./command.ts";
import { readExpiry, readLimits, readSeconds, UsageError, type Flags, type Option } from "./flags.ts";
import { clean, listOf, read, writeFields, writeTable, type Column } from "./table.ts";

const expiresOption: Option = { value: "WHEN", about: "30d, 12h, never, or an ISO 8601 date-time." };

const keyColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["KIND", "kind"],
  ["STATE", "state"],
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
  ["state", "state"],
  ["endpoints", "endpoints"],
  ["models", "models"],
  ["ips", "ipCidrs"],
  ["limits", "limits"],
  ["expires", "expiresAt"],
];

/** `penstock bootstrap` and `penstock keys …` */
export const keyCommands: readonly Command[] = [
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
    more: ["Without --endpoint, --model or --cidr the key may use any.", `Windows: ${windows}.`],
    options: {
      name: { value: "NAME", about: "What the key is for." },
      kind: { value: "KIND", about: "inference (if not given) or admin." },
      endpoint: {
        value: "ENDPOINT",
        isMany: true,
        about: "chat.completions, completions, embeddings, text2sql or models.",
      },
      model: { value: "MODEL", isMany: true, about: "A model or alias." },
      cidr: { value: "CIDR", isMany: true, about: "Addresses that may use it, e.g. 203.0.113.0/24." },
      expires: expiresOption,
      limit: limitOption,
    },
    words: 1,
    question: (asked) => ({ method: "POST", path: `${orgPath(asked)}/keys`, body: keyOf(asked.flags, asked.nowMs) }),
    show: showNewKey,
  },
  {
    name: "keys list",
    usage: "[ORG]",
    about: "List an org's keys, newest first.",
    options: pageOptions,
    words: 1,
    question: (asked) => ({ method: "GET", path: `${orgPath(asked)}/keys`, query: pageOf(asked.flags) }),
    show: (answer) => writeTable(keyColumns, listOf(answer, "keys"), "There are no keys.") + nextPage(answer),
  },
  {
    name: "keys rotate",
    usage: "KEY_ID",
    about: "Make a new key with the same scopes; the old one ends after the overlap.",
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
      body: rotationOf(flags, nowMs),
    }),
    show: (answer) => `${showNewKey(answer)}\n\nThe old key ${showEnd(read(answer, "replaced"))}.`,
  },
  {
    name: "keys revoke",
    usage: "KEY_ID",
    about: "Revoke a key. Once this has answered, the next call with it is refused.",
    options: {},
    words: 1,
    question: ({ flags }) => ({ method: "POST", path: `${keyPath(flags)}/revoke` }),
    show: (answer) => `${clean(read(answer, "id"))} was revoked at ${clean(read(answer, "revokedAt"))}.`,
  },
];

/** A key's id holds its org's reference, so the org need not be named. */
function keyPath(flags: Flags): string {
  const id = flags.word(0, "KEY_ID");
  const match = /^key_([0-9A-Za-z]{10})[0-9A-Za-z]{6}$/.exec(id);
  if (!match) throw new UsageError("KEY_ID must be the id of a key (key_…), as 'penstock keys list' shows it.");
  return `/control/orgs/org_${match[1]}/keys/${id}`;
}

function keyOf(flags: Flags, nowMs: number): Record<string, unknown> {
  const name = flags.one("name");
  if (!name) throw new UsageError("--name is missing: say what the key is for.");
  const scopes = { endpoints: flags.many("endpoint"), models: flags.many("model"), ipCidrs: flags.many("cidr") };
  const bounds = { expiresAt: readExpiry(flags.one("expires"), nowMs), limits: readLimits(flags.many("limit")) };
  return { name, ...given({ kind: flags.one("kind"), ...scopes, ...bounds }) };
}

function rotationOf(flags: Flags, nowMs: number): Record<string, unknown> {
  const overlapSeconds = readSeconds(flags.one("overlap") ?? "24h");
  if (overlapSeconds === null) throw new UsageError("--overlap takes a time such as 90s, 15m, 24h or 3d.");
  return { overlapSeconds, ...given({ expiresAt: readExpiry(flags.one("expires"), nowMs) }) };
}

function showNewKey(key: unknown): string {
  return `${writeFields(keyFields, key)}\n\n${clean(read(key, "secret"))}\n\nKeep it now: it is not shown again.`;
}

function showEnd(key: unknown): string {
  const revokedAt = read(key, "revokedAt");
  return `${clean(read(key, "id"))} ${revokedAt === null ? `ends at ${clean(read(key, "expiresAt"))}` : `was revoked at ${clean(revokedAt)}`}`;
}
