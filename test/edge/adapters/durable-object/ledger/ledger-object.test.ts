import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import type { HoldRequest, Denial, Grant } from "#edge/ledger/port.ts";
import { OrgLedger } from "#edge/adapters/durable-object/ledger/ledger-object.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import {
  makeRequest,
  freshHold,
  freshOrg,
  granted,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { readAlarm, DB, insides, migrate, openWith, openStub, readState, usageInD1 } from "./ledger-world.ts";

beforeAll(migrate);

test("its alarm stands no later than the first deadline, and within a second of a settlement", async () => {
  const { ledger, org, clock, restart } = await openWith();
  const alarm = () => readAlarm(org);
  expect(await alarm()).toBeNull();
  await ledger.admit(makeRequest(org, { ttlMs: 900_000 }));
  expect(await alarm()).toBe(noon + 900_000);
  const { hold } = granted(await ledger.admit(makeRequest(org, { ttlMs: 300_000 })));
  const short = granted(await ledger.admit(makeRequest(org, { ttlMs: 100_000 }))).hold;
  expect(await alarm()).toBe(noon + 100_000);
  clock.advance(5_000);
  await ledger.settle(org, [makeRecord(org, short)]);
  await ledger.settle(org, [makeRecord(org, hold, { isFinal: false })]);
  expect(await alarm()).toBe(noon + 6_000);
  await runDurableObjectAlarm(openStub(org));
  expect(await alarm()).toBe(noon + 300_000);
  await restart();
  expect(await alarm()).toBe(noon + 300_000);
  clock.set(noon + 300_000);
  await runDurableObjectAlarm(openStub(org));
  expect(await alarm()).toBe(noon + 900_000);
  expect((await usageInD1(org)).map(({ end }) => end).toSorted()).toEqual(["completed", "expired"]);
  expect(await ledger.inspect(org)).toMatchObject({ outboxRows: 0, openHolds: [{ expiresAtMs: noon + 900_000 }] });
});

test("its alarm stands when a key leaves, also when nothing else happens, and then the key does", async () => {
  const { ledger, org, clock, restart } = await openWith();
  await ledger.publish(keyRecord(org, 1, { isRevoked: true, version: 2 }));
  await ledger.publish(keyRecord(org, 2, { expiresAtMs: noon + 5_000 }));
  expect(await readAlarm(org)).toBe(noon + keyRetentionMs);
  await restart();
  clock.set(noon + keyRetentionMs);
  await runDurableObjectAlarm(openStub(org));
  expect(Object.keys((await readState(org)).keys)).toEqual([keyRecord(org, 2).id]);
  expect(await readAlarm(org)).toBe(noon + keyRetentionMs + 5_000);
});

test("releasing a call that may run moves the alarm to its new deadline, and then its row goes to D1", async () => {
  const { ledger, org, clock } = await openWith();
  const { hold } = granted(await ledger.admit(makeRequest(org, { ttlMs: 900_000 })));
  clock.advance(10_000);
  await ledger.release(org, hold, true);
  expect(await readAlarm(org)).toBe(noon + 12_000);
  clock.advance(2_000);
  await runDurableObjectAlarm(openStub(org));
  expect(await usageInD1(org)).toMatchObject([{ id: hold, end: "expired", promptTokens: 0, completionTokens: 0 }]);
  expect(await ledger.inspect(org)).toMatchObject({ openHolds: [], outboxRows: 0 });
});

test("what a call that was given back had used, by its checkpoint, is on the way to D1 within a second", async () => {
  const { ledger, org } = await openWith();
  const { hold } = granted(await ledger.admit(makeRequest(org, { ttlMs: 900_000 })));
  await ledger.settle(org, [makeRecord(org, hold, { isFinal: false })]);
  expect(await readAlarm(org)).toBe(noon + 900_000);
  expect(await ledger.release(org, hold)).toMatchObject({ result: "settled" });
  expect(await readAlarm(org)).toBe(noon + 1_000);
});

test("an object that wakes sets its alarm by what it finds: rows that wait, or the first deadline", async () => {
  const { ledger, org, restart } = await openWith();
  const forget = async () => {
    await insides(org, (_, { storage }) => storage.deleteAlarm());
    await restart();
  };
  const open = granted(await ledger.admit(makeRequest(org)));
  await forget();
  expect(await readAlarm(org)).toBe(open.expiresAtMs);
  await ledger.settle(org, [makeRecord(org, open.hold)]);
  await forget();
  // Its own clock, before a test's is set.
  expect(await readAlarm(org)).toBeLessThanOrEqual(Date.now() + 1_000);
});

test("who waits for a slot is served when the alarm ends a hold, and the alarm stands for their own", async () => {
  const { ledger, org, clock } = await openWith({ concurrency: 1 });
  granted(await ledger.admit(makeRequest(org, { ttlMs: 400_000 })));
  const waiting = ledger.admit(makeRequest(org, { ttlMs: 900_000, waitMs: 30_000 }));
  await scheduler.wait(50);
  clock.advance(400_000);
  await runDurableObjectAlarm(openStub(org));
  expect(granted(await waiting).expiresAtMs).toBe(noon + 900_000);
  expect((await ledger.inspect(org))?.openHolds).toHaveLength(1);
});

test("who waits in an org that is moved away has their denial at once", async () => {
  const { ledger, org } = await openWith({ concurrency: 1 });
  granted(await ledger.admit(makeRequest(org)));
  const waiting = ledger.admit(makeRequest(org, { waitMs: 30_000 }));
  await scheduler.wait(50);
  await openStub(org).freeze(org);
  expect(await waiting).toMatchObject({ kind: "denial", reason: "concurrency" });
  await expect(ledger.admit(makeRequest(org))).rejects.toThrow("being moved");
});

test("a call admitted while the alarm drains does not hide an older deadline", async () => {
  const { ledger, org } = await openWith();
  const old = granted(await ledger.admit(makeRequest(org, { ttlMs: 400_000 })));
  const { hold } = granted(await ledger.admit(makeRequest(org)));
  await ledger.settle(org, [makeRecord(org, hold)]);
  await insides(org, async (object) => {
    const { DB: real } = object.env;
    object.env = {
      DB: {
        prepare: (sql: string) => (void (object as unknown as OrgLedger).admit(makeRequest(org)), real.prepare(sql)),
      } as D1Database,
    };
    await (object as unknown as OrgLedger).alarm();
    object.env = { DB: real };
  });
  expect(await readAlarm(org)).toBe(old.expiresAtMs);
});

/**
 * The mistake that the storm must catch: an await on something other than storage between the reading and the writing.
 */
class AwaitingLedger extends OrgLedger {
  async admitLate(request: HoldRequest): Promise<Grant | Denial> {
    const core = this.cores.find(request.org);
    const decision = core.evaluate(request, this.clock());
    await scheduler.wait(0);
    return core.commit(decision);
  }
}

describe("the storm", () => {
  type Admission = ReturnType<OrgLedger["admit"]>;
  const storm = async (org: OrgId, admit: (object: AwaitingLedger, request: HoldRequest) => Admission) =>
    insides(org, async (_, state) => {
      const object = new AwaitingLedger(state, { DB }, () => Date.now());
      await object.publish(orgRecord(org, { requestsPerMinute: 60 }));
      await object.publish(keyRecord(org, 1));
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, () => admit(object, makeRequest(org, { hold: freshHold() }))),
      );
      return answers.filter(({ kind }) => kind === "grant").length;
    });

  test("of 1,000 calls at once on a limit of 60 the object admits 60", async () => {
    expect(await storm(freshOrg(), (object, request) => object.admit(request))).toBe(60);
  });

  test("an object with an await between read and write fails that promise: the test is able to fail", async () => {
    expect(await storm(freshOrg(), (object, request) => object.admitLate(request))).toBeGreaterThan(60);
  });
});
