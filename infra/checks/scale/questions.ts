import { sizes, startMs, stepMs } from "./seed.ts";

/** What a question is called, and its path: below the org's, or the house's. */
type Question = readonly [what: string, path: string];

const number = (at: number, width = 22) => String(at).padStart(width, "0");
const day = (at: number) => new Date(startMs + at * 86_400_000).toISOString().slice(0, 10);
const owner = `user_${number(7)}`;
const oldDay = `from=${day(1)}&to=${day(2)}`;

function list(name: string, path = name) {
  const first: Question = [`${name}, first page`, path];
  /** From the fiftieth of the oldest on. */
  const last = (prefix: string, count: number, width = 22): Question => {
    const cursor = `${startMs + 50 * stepMs(count)}.${prefix}${number(50, width)}`;
    return [`${name}, last page`, `${path}?cursor=${cursor}`];
  };
  const by = (what: string, query: string): Question => [`${name}, ${what}`, `${path}?${query}`];
  return { first, last, by };
}

/** What is asked of the large org. */
export function listQuestions(org: string): Question[] {
  const key = (at: number) => `key_${org.slice(4)}${number(at, 6)}`;
  return [...askPeople(key), ...askLog(key), ...askEvents(), ...askUsage(key)];
}

function askPeople(key: (at: number) => string): Question[] {
  const [keys, members] = [list("keys"), list("members")];
  const [invitations, accounts] = [list("invitations"), list("service-accounts")];
  return [
    keys.first,
    keys.last(key(0).slice(0, -6), sizes.keys, 6),
    keys.by("1,000 at once", "limit=1000"),
    keys.by("of an owner", `owner=${owner}`),
    keys.by("of a project", `project=proj_${number(7)}`),
    keys.by("of an owner and another's project", `owner=${owner}&project=proj_${number(8)}`),
    ["one key", `keys/${key(7)}`],
    members.first,
    members.last("user_", sizes.members),
    members.by("all at once", "limit=1000"),
    invitations.first,
    invitations.last("inv_", sizes.invitations),
    list("projects").by("all at once", "limit=1000"),
    accounts.first,
    accounts.last("sa_", sizes.serviceAccounts),
    ["budgets", "budgets"],
  ];
}

function askLog(key: (at: number) => string): Question[] {
  const audit = list("audit");
  return [
    audit.first,
    audit.by("last page", `cursor=${sizes.audit + 50}`),
    audit.by("by a person", `actor=${owner}`),
    audit.by("of an action", "action=key.revoked"),
    audit.by("of an action that never was", "action=org.closed"),
    audit.by("about a key", `target=${key(7)}`),
    audit.by("about a key, by another", `target=${key(7)}&actor=user_${number(8)}`),
    audit.by("of an old day", oldDay),
    audit.by("of an old day and an action", `${oldDay}&action=key.revoked`),
    audit.by("from long ago on", "from=2020-01-01"),
    audit.by("of a day without any", "from=2020-01-01&to=2020-01-02"),
  ];
}

function askEvents(): Question[] {
  const events = list("events");
  const sent = list("deliveries", `webhooks/wh_${number(0)}/deliveries`);
  return [
    events.first,
    events.last("evt_", sizes.events),
    events.by("of a type that is rare", "type=key.leaked"),
    events.by("of a type that never was", "type=member.joined"),
    events.by("of an old day", oldDay),
    ["webhooks", "webhooks"],
    sent.first,
    sent.last("dlv_", sizes.deliveries),
    sent.by("that failed", "status=failed"),
    sent.by("that are pending", "status=pending"),
  ];
}

function askUsage(key: (at: number) => string): Question[] {
  const usage = list("usage");
  return [
    usage.first,
    usage.last("hold_", sizes.usage),
    usage.by("of a key", `key=${key(7)}`),
    usage.by("of a model", "model=qwen-chat"),
    usage.by("of a key that made no call", `key=${key(9_999)}`),
    usage.by("of an odd hour long ago", `from=${day(1)}T03:17:00Z&to=${day(1)}T04:16:00Z`),
    usage.by("of one call", `hold=hold_${number(7)}`),
    ["one call", `usage/calls/hold_${number(7)}`],
  ];
}

/** What operators ask of the whole house. */
export const houseQuestions: Question[] = [
  ["orgs, first page", "orgs"],
  ["orgs, last page", `orgs?cursor=${startMs + 50 * stepMs(sizes.orgs)}.org_${number(50, 10)}`],
  ["orgs, 1,000 at once", "orgs?limit=1000"],
  ["operators", "operators"],
  ["prices", "prices"],
  ["who is it", "whoami"],
];
