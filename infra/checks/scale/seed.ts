import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** How many of each the large org has; `orgs` are others, whose lists nobody asks for but operators. */
export const sizes = {
  orgs: 10_000,
  keys: 10_000,
  members: 500,
  invitations: 5_000,
  projects: 500,
  serviceAccounts: 1_000,
  audit: 1_000_000,
  events: 200_000,
  webhooks: 20,
  deliveries: 200_000,
  budgets: 100,
  prices: 1_000,
  usage: 500_000,
} as const;

/** The first moment of what is seeded. */
export const startMs = Date.UTC(2026, 9, 10);
/** The time between two rows of so many: 45 days have all. */
export const stepMs = (count: number) => Math.floor((45 * 86_400_000) / count);

const numbers = (count: number) =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
const at = (count: number) => `${startMs} + i * ${stepMs(count)}`;
/** An id of 22 characters behind its prefix, by its number. */
const id = (prefix: string, number = "i") => `'${prefix}_' || printf('%022d', ${number})`;
const keyId = (org: string, number = "i") => `'key_${org.slice(4)}' || printf('%06d', ${number})`;
const pick = (names: readonly string[], number = "i") =>
  `CASE ${number} % ${names.length} ${names.map((name, index) => `WHEN ${index} THEN '${name}'`).join(" ")} END`;

const models = ["qwen-chat", "qwen-embed", "llama-chat"];
const limits = `(SELECT limits FROM orgs LIMIT 1)`;

const { keys, audit, events, deliveries, usage, members, projects, prices } = sizes;

/** What is inserted, in this order, for an org, the large one. */
const inserts: [into: string, count: number, select: (org: string) => string][] = [
  [
    "orgs (id, name, plan, limits, created_at_ms)",
    sizes.orgs,
    () => `'org_' || printf('%010d', i), 'Org ' || i, 'standard', ${limits}, ${at(sizes.orgs)}`,
  ],
  [
    "projects (id, org, name, created_at_ms)",
    projects,
    (org) => `${id("proj")}, '${org}', 'Project ' || i, ${at(projects)}`,
  ],
  [
    "auth_users (id, email, name, email_verified, created_at_ms, updated_at_ms)",
    members,
    () => `${id("user")}, 'member-' || i || '@example.test', 'Member ' || i, 1, ${at(members)}, ${at(members)}`,
  ],
  [
    "members (org, user, role, created_at_ms)",
    members,
    (org) => `'${org}', ${id("user")}, ${pick(["developer", "viewer", "admin", "billing"])}, ${at(members)}`,
  ],
  [
    "invitations (id, org, email, role, digest, invited_by, expires_at_ms, created_at_ms, sends, sent_at_ms)",
    sizes.invitations,
    (
      org,
    ) => `${id("inv")}, '${org}', 'guest-' || i || '@example.test', 'viewer', 'digest ' || i, ${id("user", "i % 500")},
       ${startMs} + i, ${at(sizes.invitations)}, 1, ${at(sizes.invitations)}`,
  ],
  [
    "service_accounts (id, org, name, created_at_ms)",
    sizes.serviceAccounts,
    (org) => `${id("sa")}, '${org}', 'Program ' || i, ${at(sizes.serviceAccounts)}`,
  ],
  // One in ten is in force.
  [
    "keys (id, org, kind, name, hint, digest, pepper_kid, revoked_at_ms, project, owner, created_at_ms)",
    keys,
    (org) => `${keyId(org)}, '${org}', 'inference', 'Key ' || i, 'hint', 'digest', 'p1', iif(i % 10, ${startMs}, NULL),
       ${id("proj", `i % ${projects}`)}, ${id("user", `i % ${members}`)}, ${at(keys)}`,
  ],
  [
    "budgets (id, org, project, amount_micros, shares, is_stop, created_at_ms)",
    sizes.budgets,
    (org) => `${id("bud")}, '${org}', ${id("proj")}, 1000000000000, '[50,80,100]', 0, ${at(sizes.budgets)}`,
  ],
  [
    "prices (model, tier, from_ms, prompt, completion, created_at_ms, created_by)",
    prices,
    () => `${pick(models)}, 'shared', ${startMs} + i, 1, 2, ${startMs}, 'seed'`,
  ],
  [
    "audit (org, seq, at_ms, actor_kind, actor, actor_name, action, target, prev, hash)",
    audit,
    (org) => `'${org}', ${audit} + i, ${at(audit)}, 'member', ${id("user", `i % ${members}`)}, 'Member',
       ${pick(["key.created", "key.revoked", "key.changed", "member.role_set"])}, ${keyId(org, `i % ${keys}`)},
       printf('%064d', i), printf('%064d', i + 1)`,
  ],
  [
    "events (id, org, type, at_ms, body)",
    events,
    (org) =>
      `${id("evt")}, '${org}', iif(i % 50000 = 7, 'key.leaked', ${pick(["key.created", "limit.reached"])}),
       ${at(events)}, '{}'`,
  ],
  [
    "webhooks (id, org, url, is_enabled, secret, created_at_ms)",
    sizes.webhooks,
    (org) => `${id("wh")}, '${org}', 'https://hooks.example.test/' || i, 0, 'sealed', ${at(sizes.webhooks)}`,
  ],
  [
    "deliveries (id, org, webhook, event, status, tries, created_at_ms)",
    deliveries,
    (org) =>
      `${id("dlv")}, '${org}', ${id("wh", "0")}, ${id("evt")}, iif(i % 50000 = 7, 'failed', 'delivered'),
       1, ${at(deliveries)}`,
  ],
  [
    `usage (id, hold, org, key, model, tier, endpoint, "end", prompt_tokens, cached_tokens, completion_tokens,
         cost_micros, admitted_at_ms, ended_at_ms, ttft_ms)`,
    usage,
    (org) => `${id("hold")}, ${id("hold")}, '${org}', ${keyId(org, "i % 40")}, ${pick(models)}, 'shared',
       'chat.completions',
       'completed', 500, 100, 200, 12, ${at(usage)}, ${at(usage)} + i % 9000, i % 900`,
  ],
];

/** Fills a stopped stack's D1 for an org; `log` hears of each table. */
export function seed(stateDir: string, org: string, log: (line: string) => void): void {
  const db = openD1(stateDir);
  try {
    db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
    for (const [into, count, select] of inserts) {
      const startedMs = Date.now();
      db.exec(`BEGIN; INSERT INTO ${into} ${numbers(count)} SELECT ${select(org)} FROM n; COMMIT`);
      log(`  ${count} ${into.split(" ", 1)[0]}: ${Date.now() - startedMs} ms`);
    }
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
}

/** The file in which a stopped stack's D1 lies. */
function openD1(stateDir: string): DatabaseSync {
  for (const file of globSync(join(stateDir, "edge/**/*.sqlite"))) {
    const db = new DatabaseSync(file);
    const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'usage_hourly'").get();
    if (found) return db;
    db.close();
  }
  throw new Error("the stack has left no D1");
}
