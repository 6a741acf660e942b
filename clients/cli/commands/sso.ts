import { UsageError, type Flags, type Option } from "../input/flags.ts";
import { clean, read, readList, type Column } from "../output/table.ts";
import type { View } from "../output/view.ts";
import { given, orgPath, readSwitch, showOne, type Command, type Given } from "./command.ts";

const loginColumns: Column[] = [
  ["ID", "id"],
  ["NAME", "name"],
  ["ISSUER", "issuer"],
  ["CLIENT ID", "clientId"],
  ["REDIRECT URI", "redirectUri"],
  ["SECOND FACTOR", "provesSecondFactor"],
  ["DEFAULT ROLE", "defaultRole"],
  ["REQUIRED", "isRequired"],
  ["LAST USED", "lastUsedAt"],
];
const domainColumns: Column[] = [
  ["DOMAIN", "domain"],
  ["PROVEN BY", "provenBy"],
  ["TXT RECORD", "record.name"],
  ["ITS TEXT", "record.value"],
];

const fieldOptions: Record<string, Option> = {
  name: { value: "NAME", about: "What the button on the sign-in page says." },
  issuer: { value: "URL", about: "The issuer, as its metadata name it." },
  "client-id": { value: "ID", about: "What the issuer knows this gateway by." },
  secret: { value: "SECRET", about: "The client's secret. It is never shown again." },
  role: { value: "ROLE", about: "What a new person becomes: developer, billing or viewer; 'none' lets none in." },
  "second-factor": { about: "The issuer asks everybody for a second factor." },
};
/** Commands that name a domain take the org after it. */
const second = { words: 2, mayOmitOrg: true, orgAt: 1 } as const;

/** `penstock sso …`: an org's company login. */
export const ssoCommands: readonly Command[] = [
  {
    name: "sso show",
    usage: "[ORG]",
    about: "Show an org's company login and its domains.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "GET", path: loginPath(input) }),
    show: showLogin,
  },
  {
    name: "sso create",
    usage: "[ORG]",
    about: "Set an org's company login, an issuer of OpenID Connect.",
    more: [
      "It signs nobody in before a domain is proven: penstock sso claim, then penstock sso prove.",
      "",
      'Example: penstock sso create --name Company --issuer https://id.example.com --client-id a --secret "$SECRET"',
    ],
    options: fieldOptions,
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "POST", path: loginPath(input), body: readAll(input.flags) }),
    show: showLogin,
  },
  {
    name: "sso set",
    usage: "[ORG]",
    about: "Change an org's company login, or require it of its members.",
    more: ["Another issuer, client or word on the second factor signs out whoever came by it."],
    options: {
      ...fieldOptions,
      "no-second-factor": { about: "It does not." },
      require: { about: "Members come by it alone; owners by two factors of their own, too." },
      lift: { about: "They need not." },
    },
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "PATCH", path: loginPath(input), body: readChange(input.flags) }),
    show: showLogin,
  },
  {
    name: "sso test",
    usage: "[ORG]",
    about: "Ask the issuer for its metadata and keys, and say what is missing.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "POST", path: `${loginPath(input)}/test`, body: {} }),
    show: (answer) =>
      showOne(
        [
          ["READY", "isReady"],
          ["PROBLEM", "problem"],
        ],
        answer,
      ),
  },
  {
    name: "sso delete",
    usage: "[ORG]",
    about: "Remove an org's company login; whoever came by it is signed out.",
    options: {},
    words: 1,
    mayOmitOrg: true,
    question: (input) => ({ method: "DELETE", path: loginPath(input), body: {} }),
    show: (answer) => showOne([["DELETED", "id"]], answer),
  },
  {
    name: "sso claim",
    usage: "DOMAIN [ORG]",
    about: "Claim a domain of mail; shows the DNS record that proves it.",
    options: {},
    ...second,
    question: (input) => ({
      method: "POST",
      path: `${loginPath(input, 1)}/domains`,
      body: { domain: input.flags.word(0, "DOMAIN") },
    }),
    show: (answer) => showOne(domainColumns, answer),
  },
  {
    name: "sso prove",
    usage: "DOMAIN [ORG]",
    about: "Prove a domain by its DNS record.",
    options: { approve: { about: "By your word instead, without a look (operators)." } },
    ...second,
    question: (input) => ({
      method: "POST",
      path: `${domainPath(input)}/prove`,
      body: input.flags.is("approve") ? { isApproved: true } : {},
    }),
    show: (answer) => showOne(domainColumns, answer),
  },
  {
    name: "sso give-up",
    usage: "DOMAIN [ORG]",
    about: "Give a domain up; whoever came by the company login is signed out.",
    options: {},
    ...second,
    question: (input) => ({ method: "DELETE", path: domainPath(input), body: {} }),
    show: (answer) => showOne([["GIVEN UP", "domain"]], answer),
  },
];

const loginPath = (input: Given, at = 0) => `${orgPath(input, at)}/company-login`;

function domainPath(input: Given): string {
  return `${loginPath(input, 1)}/domains/${encodeURIComponent(input.flags.word(0, "DOMAIN"))}`;
}

function readAll(flags: Flags): Record<string, unknown> {
  const fields = readFields(flags);
  for (const name of ["name", "issuer", "client-id", "secret"])
    if (flags.one(name) === undefined) throw new UsageError(`--${name} is missing.`);
  return given({ ...fields, provesSecondFactor: flags.is("second-factor") || undefined });
}

function readChange(flags: Flags): Record<string, unknown> {
  const provesSecondFactor = readSwitch(flags, "second-factor", "no-second-factor");
  const change = given({ ...readFields(flags), provesSecondFactor, isRequired: readSwitch(flags, "require", "lift") });
  if (Object.keys(change).length > 0) return change;
  throw new UsageError("nothing to set. See --help.");
}

function readFields(flags: Flags): Record<string, unknown> {
  const role = flags.one("role");
  return {
    name: flags.one("name"),
    issuer: flags.one("issuer"),
    clientId: flags.one("client-id"),
    secret: flags.one("secret"),
    defaultRole: role === "none" ? null : role,
  };
}

function showLogin(answer: unknown): View {
  const domains = readList(answer, "domains").map((row) => {
    const by = read(row, "provenBy");
    const [domain, name, value] = ["domain", "record.name", "record.value"].map((path) => clean(read(row, path)));
    return typeof by === "string" ? `${domain}: proven by ${by}` : `${domain}: not proven; TXT ${name} ${value}`;
  });
  return {
    ...showOne(loginColumns, answer),
    notes: domains.length > 0 ? domains : ["No domain is claimed: penstock sso claim"],
  };
}
