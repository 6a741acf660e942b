import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import { createCounters } from "#edge/ledger/counters.ts";
import { makeRequest, granted, keyRecord, noon, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, open, openWith, readState, openStub } from "../ledger-world.ts";

beforeAll(migrate);

test("restarted between any two steps, it has the state it had before, snapshot or none", async () => {
  const { ledger, org, clock, restart } = await openWith();
  const request = makeRequest(org, { ttlMs: 60_000, idempotency: { key: "a".repeat(64), body: "b".repeat(64) } });
  const [other, third, fourth, fifth] = [makeRequest(org), makeRequest(org), makeRequest(org), makeRequest(org)];
  const steps: (() => unknown)[] = [
    () => ledger.admit(request),
    () => ledger.admit(other),
    () => ledger.settle(org, [makeRecord(org, request.hold, { isFinal: false, completionTokens: 3 })]),
    () => ledger.settle(org, [makeRecord(org, other.hold)]),
    () => ledger.admit(third),
    () => runDurableObjectAlarm(openStub(org)),
    () => ledger.release(org, third.hold),
    () => ledger.admit(fourth),
    () => ledger.admit(fifth),
    () => ledger.release(org, fifth.hold, true),
    () => runDurableObjectAlarm(openStub(org)),
    () => clock.advance(3_600_000),
    () => ledger.inspect(org),
    () => ledger.settle(org, [makeRecord(org, request.hold, { completionTokens: 9 })]),
    () => runDurableObjectAlarm(openStub(org)),
    () => ledger.publish(keyRecord(org, 1, { version: 2, limits: null })),
    () => ledger.settle(org, [makeRecord(org, fourth.hold)]),
  ];
  for (const step of steps) {
    await step();
    const rowsBefore = (await ledger.inspect(org))?.outboxRows;
    const before = await readState(org);
    await restart();
    expect(await readState(org)).toEqual(before);
    expect((await ledger.inspect(org))?.outboxRows).toBe(rowsBefore);
  }
});

test("an object nobody published to writes nothing", async () => {
  const { ledger, org } = await open(noon);
  await ledger.admit(makeRequest(org));
  expect(
    await insides(org, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    ),
  ).toEqual([]);
});

test("an ended hold is forgotten after a week, once D1 has its row", async () => {
  const { ledger, org, clock } = await openWith();
  const { hold } = granted(await ledger.admit(makeRequest(org)));
  await ledger.settle(org, [makeRecord(org, hold)]);
  await runDurableObjectAlarm(openStub(org));
  clock.advance(7 * 86_400_000 + 1);
  const next = granted(await ledger.admit(makeRequest(org)));
  expect(await ledger.settle(org, [makeRecord(org, hold)])).toMatchObject([{ result: "repeated" }]);
  await ledger.settle(org, [makeRecord(org, next.hold)]);
  await runDurableObjectAlarm(openStub(org));
  expect(await ledger.settle(org, [makeRecord(org, hold), makeRecord(org, next.hold)])).toMatchObject([
    { result: "unknown" },
    { result: "repeated" },
  ]);
});

test("a state of several megabytes is kept and restored, too", async () => {
  const { ledger, org, restart } = await openWith();
  await insides(org, (object) => {
    for (let i = 0; i < 20_000; i++) object.cores.find(org).state.counters[`key_${i}`] = createCounters();
  });
  granted(await ledger.admit(makeRequest(org)));
  await runDurableObjectAlarm(openStub(org));
  const before = await readState(org);
  await restart();
  expect(await readState(org)).toEqual(before);
  expect(JSON.stringify(before).length).toBeGreaterThan(4_000_000);
});
