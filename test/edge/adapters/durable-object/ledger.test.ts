import { applyD1Migrations, env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import type { Ask, Denial, Grant, UsageRow } from "../../../../edge/admission/port.ts";
import type { State } from "../../../../edge/admission/state.ts";
import { durableObjectLedger } from "../../../../edge/adapters/durable-object/ledger.ts";
import { OrgLedger } from "../../../../edge/adapters/durable-object/ledger-object.ts";
import type { OrgId } from "../../../../edge/agreements/ids.ts";
import migration from "../../../../infra/migrations/0001_road.sql?raw";
import { ledgerContract } from "../../../contracts/ledger-contract.ts";
import { askOf, freshHold, freshOrg, granted, keyRecord, noon, orgRecord, recordOf } from "../../../contracts/ledger-fixtures.ts";
import { testClock, type TestClock } from "../../../support/clock.ts";

const { DB, LEDGERS } = env as unknown as { DB: D1Database; LEDGERS: DurableObjectNamespace<OrgLedger> };

/** What tests reach of an object, and callers cannot. */
interface Insides {
  clock: () => number;
  env: { DB: D1Database };
  keeper: { state: State };
}

beforeAll(async () => {
  const queries = migration.split(/;\s*$/m).map((query) => query.trim()).filter((query) => query !== "");
  await applyD1Migrations(DB, [{ name: "0001_road.sql", queries }]);
});

const stubOf = (org: OrgId) => LEDGERS.get(LEDGERS.idFromName(org));
const insides = <R>(org: OrgId, look: (object: Insides, state: DurableObjectState) => R | Promise<R>): Promise<R> =>
  runInDurableObject(stubOf(org), (object: OrgLedger, state) => look(object as unknown as Insides, state));

async function usageInD1(org: OrgId): Promise<UsageRow[]> {
  const columns = `id, hold, org, "key", model, tier, endpoint, "end", response_id AS responseId, prompt_tokens AS promptTokens, cached_tokens AS cachedTokens,
    completion_tokens AS completionTokens, cost_micros AS costMicros, admitted_at_ms AS admittedAtMs, ended_at_ms AS endedAtMs`;
  return (await DB.prepare(`SELECT ${columns} FROM usage WHERE org = ?`).bind(org).all<UsageRow>()).results;
}

/** Opens an object whose clock is ours, through every restart; its bill is read from D1, after the alarm has drained it. */
async function open(startMs: number) {
  const org = freshOrg();
  const clock: TestClock = testClock(startMs);
  const setClock = () => insides(org, (object) => void (object.clock = clock.now));
  await setClock();
  const restart = async () => {
    await evictDurableObject(stubOf(org));
    await setClock();
  };
  const usage = async () => {
    await runDurableObjectAlarm(stubOf(org));
    return usageInD1(org);
  };
  return { ledger: durableObjectLedger(LEDGERS), clock, org, restart, usage };
}

ledgerContract("durable-object ledger", open, { numRuns: 12, maxCommands: 60 });

describe("the object", () => {
  const openWith = async (limits = {}) => {
    const opened = await open(noon);
    await opened.ledger.publish(orgRecord(opened.org, limits));
    await opened.ledger.publish(keyRecord(opened.org, 1, { limits: { tokensPerDay: 100_000 } }));
    return opened;
  };
  const stateOf = (org: OrgId) => insides(org, (object) => structuredClone(object.keeper.state));

  test("restarted between any two steps, it has the state it had before, snapshot or none", async () => {
    const { ledger, org, clock, restart } = await openWith();
    const ask = askOf(org, { ttlMs: 60_000, idempotency: { key: "a".repeat(64), body: "b".repeat(64) } });
    const [other, third, fourth] = [askOf(org), askOf(org), askOf(org)];
    const steps: (() => unknown)[] = [
      () => ledger.admit(ask),
      () => ledger.admit(other),
      () => ledger.settle(org, [recordOf(org, ask.hold, { isFinal: false, completionTokens: 3 })]),
      () => ledger.settle(org, [recordOf(org, other.hold)]),
      () => ledger.admit(third),
      () => runDurableObjectAlarm(stubOf(org)),
      () => ledger.release(org, third.hold),
      () => ledger.admit(fourth),
      () => clock.advance(3_600_000),
      () => ledger.inspect(org),
      () => ledger.settle(org, [recordOf(org, ask.hold, { completionTokens: 9 })]),
      () => runDurableObjectAlarm(stubOf(org)),
      () => ledger.publish(keyRecord(org, 1, { version: 2, limits: null })),
      () => ledger.settle(org, [recordOf(org, fourth.hold)]),
    ];
    for (const step of steps) {
      await step();
      const rowsBefore = (await ledger.inspect(org))?.outboxRows;
      const before = await stateOf(org);
      await restart();
      expect(await stateOf(org)).toEqual(before);
      expect((await ledger.inspect(org))?.outboxRows).toBe(rowsBefore);
    }
  });

  test("an object nobody published to writes nothing", async () => {
    const { ledger, org } = await open(noon);
    await ledger.admit(askOf(org));
    expect(await insides(org, (_, { storage }) => storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray())).toEqual([]);
  });

  test("its alarm stands no later than the first deadline, and within a second of a settlement", async () => {
    const { ledger, org, clock, restart } = await openWith();
    const alarm = () => insides(org, (_, { storage }) => storage.getAlarm());
    expect(await alarm()).toBeNull();
    await ledger.admit(askOf(org, { ttlMs: 900_000 }));
    expect(await alarm()).toBe(noon + 900_000);
    const { hold } = granted(await ledger.admit(askOf(org, { ttlMs: 300_000 })));
    const short = granted(await ledger.admit(askOf(org, { ttlMs: 100_000 }))).hold;
    expect(await alarm()).toBe(noon + 100_000);
    clock.advance(5_000);
    await ledger.settle(org, [recordOf(org, short)]);
    await ledger.settle(org, [recordOf(org, hold, { isFinal: false })]);
    expect(await alarm()).toBe(noon + 6_000);
    await runDurableObjectAlarm(stubOf(org));
    expect(await alarm()).toBe(noon + 300_000);
    await restart();
    expect(await alarm()).toBe(noon + 300_000);
    clock.set(noon + 300_000);
    await runDurableObjectAlarm(stubOf(org));
    expect(await alarm()).toBe(noon + 900_000);
    expect((await usageInD1(org)).map(({ end }) => end).toSorted()).toEqual(["done", "expired"]);
    expect(await ledger.inspect(org)).toMatchObject({ outboxRows: 0, openHolds: [{ expiresAtMs: noon + 900_000 }] });
  });

  test("a call admitted while the alarm drains does not hide an older deadline", async () => {
    const { ledger, org } = await openWith();
    const old = granted(await ledger.admit(askOf(org, { ttlMs: 400_000 })));
    const { hold } = granted(await ledger.admit(askOf(org)));
    await ledger.settle(org, [recordOf(org, hold)]);
    await insides(org, async (object) => {
      const { DB: real } = object.env;
      object.env = { DB: { prepare: (sql: string) => (void (object as unknown as OrgLedger).admit(askOf(org)), real.prepare(sql)) } as D1Database };
      await (object as unknown as OrgLedger).alarm();
      object.env = { DB: real };
    });
    expect(await insides(org, (_, { storage }) => storage.getAlarm())).toBe(old.expiresAtMs);
  });

  test("while D1 fails no row is lost and the object asks again, later each time; then each row arrives once", async () => {
    const { ledger, org, clock } = await openWith();
    const answers = await Promise.all(Array.from({ length: 1_200 }, () => ledger.admit(askOf(org))));
    const holds = answers.map((answer) => granted(answer).hold);
    for (let i = 0; i < holds.length; i += 64) await ledger.settle(org, holds.slice(i, i + 64).map((hold) => recordOf(org, hold)));
    await insides(org, (object) => void (object.env = { DB: { prepare: () => { throw new Error("D1 is down"); } } as unknown as D1Database }));
    const waits = [];
    for (let i = 0; i < 7; i++) {
      await runDurableObjectAlarm(stubOf(org));
      waits.push((await insides(org, (_, { storage }) => storage.getAlarm()) ?? 0) - clock.now());
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect((await ledger.inspect(org))?.outboxRows).toBe(1_200);
    await insides(org, (object) => void (object.env = { DB }));
    await runDurableObjectAlarm(stubOf(org));
    const rows = await usageInD1(org);
    expect(new Set(rows.map(({ hold }) => hold))).toEqual(new Set(holds));
    expect(rows).toHaveLength(1_200);
    expect((await ledger.inspect(org))?.outboxRows).toBe(0);
  });

  test("a crash after D1 took the rows and before the object knew sends them again, and the bill has them once", async () => {
    const { ledger, org, restart } = await openWith();
    const { hold } = granted(await ledger.admit(askOf(org)));
    await ledger.settle(org, [recordOf(org, hold)]);
    await insides(org, async (object) => {
      const { DB: real } = object.env;
      object.env = {
        DB: { prepare: (sql: string) => ({ bind: (rows: string) => ({ run: async () => { await real.prepare(sql).bind(rows).run(); throw new Error("lost"); } }) }) } as unknown as D1Database,
      };
      await (object as unknown as OrgLedger).alarm();
    });
    expect(await usageInD1(org)).toHaveLength(1);
    await restart();
    expect((await ledger.inspect(org))?.outboxRows).toBe(1);
    await runDurableObjectAlarm(stubOf(org));
    await runDurableObjectAlarm(stubOf(org));
    expect(await usageInD1(org)).toHaveLength(1);
    expect((await ledger.inspect(org))?.outboxRows).toBe(0);
  });

  test("an ended hold is forgotten after a week, once D1 has its row", async () => {
    const { ledger, org, clock } = await openWith();
    const { hold } = granted(await ledger.admit(askOf(org)));
    await ledger.settle(org, [recordOf(org, hold)]);
    await runDurableObjectAlarm(stubOf(org));
    clock.advance(7 * 86_400_000 + 1);
    const next = granted(await ledger.admit(askOf(org)));
    expect(await ledger.settle(org, [recordOf(org, hold)])).toMatchObject([{ result: "repeated" }]);
    await ledger.settle(org, [recordOf(org, next.hold)]);
    await runDurableObjectAlarm(stubOf(org));
    expect(await ledger.settle(org, [recordOf(org, hold), recordOf(org, next.hold)])).toMatchObject([{ result: "unknown" }, { result: "repeated" }]);
  });

  test("what the object throws reaches the caller", async () => {
    const { ledger, org } = await openWith();
    await insides(org, (_, { storage }) => void storage.sql.exec("ALTER TABLE holds RENAME TO gone"));
    await expect(ledger.admit(askOf(org))).rejects.toThrow("no such table");
  });
});

/** The mistake that the storm must catch: an await on something other than storage between the reading and the writing. */
class AwaitingLedger extends OrgLedger {
  async admitLate(ask: Ask): Promise<Grant | Denial> {
    const decision = this.keeper.weigh(ask, this.clock());
    await scheduler.wait(0);
    return this.keeper.keep(decision);
  }
}

describe("the storm", () => {
  const storm = async (org: OrgId, admit: (object: AwaitingLedger, ask: Ask) => Promise<Grant | Denial>) =>
    insides(org, async (_, state) => {
      const object = new AwaitingLedger(state, { DB });
      await object.publish(orgRecord(org, { requestsPerMinute: 60 }));
      await object.publish(keyRecord(org, 1));
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => admit(object, askOf(org, { hold: freshHold() }))));
      return answers.filter(({ kind }) => kind === "grant").length;
    });

  test("of 1,000 calls at once on a limit of 60 the object admits 60", async () => {
    expect(await storm(freshOrg(), async (object, ask) => object.admit(ask))).toBe(60);
  });

  test("an object with an await between read and write fails that promise: the test is able to fail", async () => {
    expect(await storm(freshOrg(), (object, ask) => object.admitLate(ask))).toBeGreaterThan(60);
  });
});
