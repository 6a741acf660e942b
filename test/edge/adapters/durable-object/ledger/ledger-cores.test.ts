import { beforeAll, expect, test } from "vitest";
import { LedgerCores } from "#edge/adapters/durable-object/ledger/ledger-cores.ts";
import { SqliteJournal } from "#edge/adapters/durable-object/ledger/journal/ledger-journal.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import {
  freshHold,
  freshOrg,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
  orgRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openStub } from "./ledger-world.ts";

beforeAll(migrate);

/** The ledgers of an object nobody else uses, of which `max` idle ones stay in memory. */
async function onCores<T>(max: number, look: (cores: LedgerCores, storage: DurableObjectStorage) => T): Promise<T> {
  const place = freshOrg();
  await openStub(place).inspect(place);
  return insides(place, (_, { storage }) => {
    return look(new LedgerCores(new SqliteJournal(storage), () => true, max), storage);
  });
}

function publish(cores: LedgerCores, fields = {}) {
  const org = freshOrg();
  const core = cores.find(org);
  core.publish(orgRecord(org, { tokensPerDay: 1_000 }), noon);
  core.publish(keyRecord(org, 1, fields), noon);
  cores.keep(org, core);
  return org;
}

function call(cores: LedgerCores, org: string, isSettled: boolean) {
  const hold = freshHold();
  const core = cores.find(org);
  core.commit(core.evaluate(makeRequest(org, { hold }), noon));
  if (isSettled) core.settle(org, [makeRecord(org, hold)], noon);
}

test("idle orgs leave memory and come back as they were; those with open holds or fresh changes stay", () =>
  onCores(10, (cores) => {
    const orgs = Array.from({ length: 100 }, () => publish(cores));
    expect(cores.size).toBeLessThanOrEqual(10);
    for (const [index, org] of orgs.entries()) call(cores, org, index % 5 !== 0);
    expect(cores.size).toBe(100);
    const before = orgs.map((org) => structuredClone(cores.find(org).state));
    cores.compact(noon);
    for (let i = 0; i < 100; i++) cores.find(publish(cores));
    expect(cores.size).toBeLessThanOrEqual(20 + 10);
    expect(orgs.map((org) => cores.find(org).state)).toEqual(before);
  }));

test("an org that nobody has published to leaves nothing behind", () =>
  onCores(10, (cores) => {
    expect(() => call(cores, "__proto__", false)).toThrow("'org'");
    call(cores, freshOrg(), false);
    expect(cores.size).toBe(0);
  }));

test("keys leave also from orgs that are not in memory, and the next time is known", () =>
  onCores(1, (cores) => {
    const org = publish(cores, { isRevoked: true });
    for (let i = 0; i < 5; i++) publish(cores);
    expect(cores.nextDueMs()).toBe(noon + keyRetentionMs);
    cores.expire(noon + keyRetentionMs, (_, cause) => expect.unreachable(String(cause)));
    expect(cores.find(org).state.keys).toEqual({});
    expect(cores.nextDueMs()).toBe(Infinity);
  }));

test("an org that cannot be expired is reported, and keeps no other from it", () =>
  onCores(10, (cores, storage) => {
    const [bad, good] = [publish(cores), publish(cores)];
    for (const org of [bad, good]) call(cores, org, false);
    storage.sql.exec(
      `CREATE TRIGGER refusing BEFORE UPDATE ON holds WHEN new.org = '${bad}' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    const reported: string[] = [];
    cores.expire(noon + 930_000, (org) => reported.push(org));
    expect(reported).toEqual([bad]);
    expect([bad, good].map((org) => Object.keys(cores.find(org).state.holds).length)).toEqual([1, 0]);
  }));
