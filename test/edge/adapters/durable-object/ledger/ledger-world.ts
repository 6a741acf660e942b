import { applyD1Migrations, env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import type { UsageRow } from "#edge/ledger/port.ts";
import type { State } from "#edge/ledger/state.ts";
import { durableObjectLedger } from "#edge/adapters/durable-object/ledger/ledger.ts";
import type { OrgLedger } from "#edge/adapters/durable-object/ledger/ledger-object.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { locateLedger } from "#edge/agreements/tokens/placement.ts";
import { freshOrg, keyRecord, noon, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { splitSql } from "#test/support/split-sql.ts";
import { testClock, type TestClock } from "#test/support/fakes/clock.ts";

const migrations = import.meta.glob<string>("../../../../../infra/migrations/*.sql", {
  eager: true,
  query: "?raw",
  import: "default",
});

export const { DB, LEDGERS } = env as unknown as { DB: D1Database; LEDGERS: DurableObjectNamespace<OrgLedger> };

/** What tests reach of an object, and callers cannot. */
export interface Insides {
  clock: () => number;
  env: { DB: D1Database };
  cores: { find(org: OrgId): { state: State }; size: number };
}

/** Makes the tables of D1, as every test file has a D1 of its own. */
export async function migrate(): Promise<void> {
  await migrateUntil("9999");
}

/** Applies the migrations before one that have not been applied. */
export async function migrateUntil(before: string): Promise<void> {
  const found = Object.entries(migrations).map(([path, text]) => ({
    name: path.split("/").at(-1) ?? path,
    queries: splitSql(text),
  }));
  await applyD1Migrations(
    DB,
    found.filter(({ name }) => name < before),
  );
}

export const openObject = (name: string) => LEDGERS.get(LEDGERS.idFromName(name));
export const openStub = (org: OrgId) => openObject(locateLedger(org).name);
export const insides = <R>(
  org: OrgId,
  look: (object: Insides, state: DurableObjectState) => R | Promise<R>,
): Promise<R> =>
  runInDurableObject(openStub(org), (object: OrgLedger, state) => look(object as unknown as Insides, state));

export async function usageInD1(org: OrgId): Promise<UsageRow[]> {
  const columns = `id, hold, org, "key", model, tier, endpoint, "end", response_id AS responseId,
    prompt_tokens AS promptTokens, cached_tokens AS cachedTokens, completion_tokens AS completionTokens,
    cost_micros AS costMicros, admitted_at_ms AS admittedAtMs, ended_at_ms AS endedAtMs, units, ttft_ms AS ttftMs`;
  return (await DB.prepare(`SELECT ${columns} FROM usage WHERE org = ?`).bind(org).all<UsageRow>()).results;
}

/** Kills an object; the next has the test's clock. */
export async function restartObject(name: string, clock: TestClock): Promise<void> {
  const stub = openObject(name);
  await evictDurableObject(stub);
  await runInDurableObject(stub, (object: OrgLedger) => void ((object as unknown as Insides).clock = clock.now));
}

/**
 * Opens an object whose clock is ours, through every restart; its bill is read from D1, after the alarm has drained it.
 */
export const open = (startMs: number) => openOrg(freshOrg(), startMs);

let shardOrgs = 0;

/** An org of a shard that all these orgs share, and no other test has. */
export function freshNeighbour(): OrgId {
  for (;;) {
    const org = `org_1${String(++shardOrgs).padStart(9, "0")}`;
    if (locateLedger(org).name === "shard-1-7") return org;
  }
}

/** Opens the shard in which all of these orgs are; the clock of the last that was opened is the object's. */
export const openShard = (startMs: number) => openOrg(freshNeighbour(), startMs);

async function openOrg(org: OrgId, startMs: number) {
  const clock: TestClock = testClock(startMs);
  const setClock = () => insides(org, (object) => void (object.clock = clock.now));
  await setClock();
  const restart = async () => {
    await restartObject(locateLedger(org).name, clock);
  };
  const usage = async () => {
    await runDurableObjectAlarm(openStub(org));
    return usageInD1(org);
  };
  // A deadline that a busy machine keeps: faults have tests of their own.
  return { ledger: durableObjectLedger(LEDGERS, 60_000), clock, org, restart, usage };
}

/** The same, with an org and a key published. */
export async function openWith(limits = {}, opens = open) {
  const opened = await opens(noon);
  await opened.ledger.publish(orgRecord(opened.org, limits));
  await opened.ledger.publish(keyRecord(opened.org, 1, { limits: { tokensPerDay: 100_000 } }));
  return opened;
}

export const readState = (org: OrgId) => insides(org, (object) => structuredClone(object.cores.find(org).state));
export const readAlarm = (org: OrgId) => insides(org, (_, { storage }) => storage.getAlarm());
