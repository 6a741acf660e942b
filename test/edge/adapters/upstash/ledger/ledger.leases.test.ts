import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { upstashLedger } from "#edge/adapters/upstash/ledger/ledger.ts";
import type { Ledger } from "#edge/ledger/port.ts";
import {
  freshHold,
  freshLease,
  granted,
  keyId,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import {
  makeClosing,
  makeCredential,
  makeLeased,
  makeWish,
  openLease,
} from "#test/contracts/ledger/promises/lease-fixtures.ts";
import { checkLeaseModel } from "#test/edge/adapters/leases/lease-model.ts";
import type { OpenFarLedger } from "#test/edge/adapters/leases/world.ts";
import { openWith, openWorld, type RedisWorld } from "#test/edge/adapters/upstash/redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";
import type { VirtualTime } from "#test/support/fakes/virtual-time.ts";

/** Longer than any lease of a second stands. */
const sweptMs = 26 * 60_000;

/** Redis answers in real time, in which the model's stands still. */
function holdTime(ledger: Ledger, time: VirtualTime): Ledger {
  return {
    admit: (request) => time.hold(() => ledger.admit(request)),
    cancelWait: (org, hold) => time.hold(() => ledger.cancelWait(org, hold)),
    introspect: (credential) => time.hold(() => ledger.introspect(credential)),
    settle: (org, records) => time.hold(() => ledger.settle(org, records)),
    settleAll: (batches) => time.hold(() => ledger.settleAll(batches)),
    release: (...args) => time.hold(() => ledger.release(...args)),
    lease: (credential, request) => time.hold(() => ledger.lease(credential, request)),
    closeLease: (org, closing) => time.hold(() => ledger.closeLease(org, closing)),
    publish: (record) => time.hold(() => ledger.publish(record)),
    inspect: (org) => time.hold(() => ledger.inspect(org)),
  };
}

describe.skipIf(!isRedisThere)("leases in Redis", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("everysec")));
  afterAll(() => world?.close());
  const read = async (org: string, command: string, part: string, ...args: string[]) =>
    world.command(command, `penstock:{${org}}:${part}`, ...args);

  test("the model of several isolates holds: no overshoot, nothing after a revocation, nothing left over", async () => {
    const openFar: OpenFarLedger = (time, org, onUsage) => {
      const ledger = upstashLedger({
        ...world.redis,
        waitMsMax: 20_000,
        now: () => time.nowMs,
        wait: (ms) => time.sleepWithin(ms),
        clock: () => Date.now(),
        later: () => undefined,
        writeRows: async (rows) => rows.forEach(onUsage),
      });
      return { ledger: holdTime(ledger, time), drain: () => ledger.sweep([org]) };
    };
    await checkLeaseModel(10, openFar);
  }, 300_000);

  test("each is one HTTP request: an admission with a lease, a renewal, a closing, 64 calls under leases", async () => {
    const opened = await openWith(world.redis);
    const { ledger, org } = opened;
    const count = async (work: () => Promise<unknown>) => {
      const before = world.redis.bridge.requests;
      await work();
      return world.redis.bridge.requests - before;
    };
    expect(await count(() => ledger.admit(makeRequest(org, { lease: makeWish() })))).toBe(1);
    const grant = await openLease(opened, { calls: 64, tokens: 30 * 64, costMicros: 50 * 64 });
    expect(await count(() => ledger.lease(makeCredential(org), makeWish()))).toBe(1);
    const records = Array.from({ length: 64 }, () => makeLeased(grant));
    const settled: string[] = [];
    const settle = async () => settled.push(...(await ledger.settle(org, records)).map(({ result }) => result));
    expect(await count(settle)).toBe(1);
    expect(settled).toEqual(records.map(() => "settled"));
    expect(await count(() => ledger.closeLease(org, makeClosing(grant, 64)))).toBe(1);
  });

  test("what is kept of a lease goes with it: closed and settled, or swept, also where nobody calls", async () => {
    const opened = await openWith(world.redis);
    const { ledger, org, clock } = opened;
    const grant = await openLease(opened);
    await openLease(opened);
    expect(await read(org, "HLEN", "leases")).toBe(2);
    await ledger.settle(org, [makeLeased(grant)]);
    await ledger.closeLease(org, makeClosing(grant, 1));
    expect(await read(org, "HLEN", "leases")).toBe(1);
    expect(await read(org, "HLEN", "holds")).toBe(0);
    clock.advance(sweptMs);
    await ledger.sweep([org]);
    expect(await read(org, "EXISTS", "leases")).toBe(0);
    expect(await read(org, "HEXISTS", "books", "lapses")).toBe(0);
    const held = (await ledger.inspect(org))?.windows.filter((window) => window.held > 0);
    expect(held).toEqual([]);
  });

  test("of several deadlines each is met, whatever else happened in between", async () => {
    const opened = await openWith(world.redis);
    const { ledger, org, clock } = opened;
    const first = await openLease(opened);
    clock.advance(60_000);
    for (const ttlMs of [5_000, 1, 5_000]) await openLease(opened, { ttlMs });
    await ledger.closeLease(org, makeClosing(first, 0));
    const counts: unknown[] = [];
    for (const ms of [25 * 60_000 + 100, 1, 4_998, 1]) {
      clock.advance(ms);
      await ledger.sweep([org]);
      counts.push(await read(org, "HLEN", "leases"));
    }
    expect(counts).toEqual([3, 2, 2, 0]);
  });

  test("in a store that knows of no leases calls go on, and leases are given beside its holds", async () => {
    const opened = await openWith(world.redis);
    const { ledger, org } = opened;
    const { hold } = granted(await ledger.admit(makeRequest(org)));
    // Without leases nothing is stored that was not before.
    expect(await read(org, "EXISTS", "leases")).toBe(0);
    const [text] = [String(await read(org, "HGET", "holds", hold))];
    expect(text.split("\n")).toHaveLength(12);
    const grant = await openLease(opened);
    expect((await ledger.settle(org, [makeRecord(org, hold), makeLeased(grant)])).map(({ result }) => result)).toEqual([
      "settled",
      "settled",
    ]);
  });

  test("a lineage's calls under a lease are counted to it, and their lines name the key", async () => {
    const opened = await openWith(world.redis);
    const { ledger, org } = opened;
    const limits = { tokensPerDay: 100_000 };
    await ledger.publish(keyRecord(org, 2, { limits, lineage: keyId(org, 1) }));
    const grant = await openLease(opened, {}, 2);
    const note = makeLeased(grant, { isFinal: false });
    await ledger.settle(org, [note]);
    const state = await ledger.inspect(org);
    expect(state?.openHolds).toMatchObject([{ hold: note.hold, key: keyId(org, 2) }]);
    expect(state?.windows.filter(({ of }) => of !== "org")).toMatchObject([{ held: 600 }, { held: 600 }]);
    await ledger.settle(org, [{ ...note, isFinal: true }]);
    expect((await opened.usage()).map(({ key }) => key)).toEqual([keyId(org, 2)]);
  });

  test("by default a publication waits in real time", async () => {
    const { org } = await openWith(world.redis);
    const ledger = upstashLedger({
      ...world.redis,
      waitMsMax: 20_000,
      now: () => noon,
      clock: () => Date.now(),
      later: () => undefined,
      writeRows: async () => undefined,
    });
    await ledger.lease(makeCredential(org), { ...makeWish(), id: freshLease(), ttlMs: 1 });
    const before = performance.now();
    await ledger.publish(keyRecord(org, 1, { isRevoked: true, version: 2 }));
    expect(performance.now() - before).toBeGreaterThanOrEqual(100);
    expect(await ledger.release(org, freshHold())).toMatchObject({ result: "unknown" });
  });
});
