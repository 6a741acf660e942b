import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readCancelled, WaitingPolls } from "#edge/adapters/upstash/ledger/waiting.ts";
import {
  exceeded,
  fill,
  freshOrg,
  granted,
  keyId,
  makeRecord,
  makeRequest,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { makeWish } from "#test/contracts/ledger/promises/lease-fixtures.ts";
import { openWith, openWorld, type RedisWorld } from "#test/edge/adapters/upstash/redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";

const rates = [null, null, null, null, null, null];
const denial = ["denial", "concurrency", "concurrency", "org", 1, 1_000, 9, null, 1, 1, 0, ...rates];
const grant = ["grant", 30, 20, 5, 1, ...rates];

describe("asks that are repeated", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Polls with a script that says so, and at last for ever "wait". */
  function setUp(...replies: unknown[]) {
    const sent: { wait: string; ttlMs: number; atMs: number; isLease: boolean }[] = [];
    const startMs = Date.now();
    const polls = new WaitingPolls(() => Date.now());
    const request = makeRequest(freshOrg(), { waitMs: 400, waitMsMax: 9_000, ttlMs: 60_000, lease: makeWish() });
    const answer = polls.admit(request, async ({ ttlMs, lease }, wait) => {
      sent.push({ wait, ttlMs, atMs: Date.now() - startMs, isLease: lease !== undefined });
      if (wait === "end") return denial;
      return replies.shift() ?? ["waits", 400 - (Date.now() - startMs), denial];
    });
    return { polls, request, answer, sent };
  }

  test("are few where nothing has to be waited for, and ask for a lease but once", async () => {
    const { answer, sent } = setUp(grant);
    expect(await answer).toMatchObject({ kind: "grant", isUrgent: true });
    expect(sent).toEqual([{ wait: "400 9000", ttlMs: 60_000, atMs: 0, isLease: true }]);
    const plain = vi.fn<() => Promise<unknown>>(async () => denial);
    exceeded(await new WaitingPolls(() => 0).admit(makeRequest(freshOrg()), plain));
    expect(plain).toHaveBeenCalledOnce();
  });

  test("come every 25 ms, later every 100, for a hold that ends no later; the last says that it is", async () => {
    const { answer, sent } = setUp();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(exceeded(await answer)).toMatchObject({ reason: "concurrency", of: "org" });
    const times = sent.map(({ atMs }) => atMs);
    expect(times).toEqual([...Array.from({ length: 11 }, (_, n) => 25 * n), 350, 400]);
    expect(sent.map(({ wait }) => wait)).toEqual([...Array.from({ length: 12 }, () => "400 9000"), "end"]);
    expect(sent.slice(1).some(({ isLease }) => isLease)).toBe(false);
    expect(sent.at(-1)?.ttlMs).toBe(60_000 - 350);
  });

  test("end with the caller: who has left asks no more", async () => {
    const { polls, request, answer, sent } = setUp();
    await vi.advanceTimersByTimeAsync(60);
    polls.cancel("hold_of_nobody");
    polls.cancel(request.hold);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(exceeded(await answer)).toMatchObject({ reason: "concurrency" });
    expect(sent).toHaveLength(3);
  });

  test.each([[["waits"]], [["waits", "soon", denial]], [["waits", 1, null]]])("%j is no reply", async (reply) => {
    const { answer } = setUp(reply);
    await expect(answer).rejects.toThrow("redis: the reply is not the ledger's");
  });

  test("a cancellation is answered in two words", () => {
    for (const word of ["cancelled", "unknown"]) expect(() => readCancelled(word)).not.toThrow();
    expect(() => readCancelled("OK")).toThrow("redis: the reply is not the ledger's");
  });
});

describe.skipIf(!isRedisThere)("the line in Redis", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("everysec")));
  afterAll(() => world?.close());
  const patient = { waitMs: 30_000 };
  const pause = (ms = 80) => new Promise((done) => setTimeout(done, ms));

  test("leaves nothing behind when nobody waits any more, and would be forgotten within half a minute", async () => {
    const opened = await openWith(world.redis, { concurrency: 1 });
    const { ledger, org } = opened;
    const read = (command: string, part: string, ...args: string[]) =>
      world.command(command, `penstock:{${org}}:${part}`, ...args);
    const [first = ""] = await fill(opened, 1);
    const answers = [ledger.admit(makeRequest(org, patient)), ledger.admit(makeRequest(org, { waitMs: 200 }))];
    await pause();
    // Two asks, the turn of their key, and the next number.
    expect([await read("HLEN", "waiting"), await read("HGET", "books", "waits")]).toEqual([4, "1"]);
    const ttlMs = Number(await read("PTTL", "waiting"));
    expect(ttlMs > 0 && ttlMs <= 30_000).toBe(true);
    exceeded((await answers[1]) ?? { kind: "denial", reason: "key" });
    await ledger.settle(org, [makeRecord(org, first)]);
    granted((await answers[0]) ?? { kind: "denial", reason: "key" });
    expect([await read("EXISTS", "waiting"), await read("HGET", "books", "waits")]).toEqual([0, null]);
  });

  test("who came first is not overtaken between two questions, and is forgotten when they ask no more", async () => {
    const opened = await openWith(world.redis, { concurrency: 1 });
    const { ledger, org, clock } = opened;
    const [first = ""] = await fill(opened, 1);
    // An ask of an isolate that dies: it has waited since now, and nobody repeats it.
    const line = `${keyId(org, 1)} 1 ${clock.now() + 30_000} ${clock.now()} org`;
    const name = `penstock:{${org}}:waiting`;
    await world.command("HSET", name, makeRequest(org).hold, line, `turn:${keyId(org, 1)}`, "1", "next", "2");
    await world.command("HSET", `penstock:{${org}}:books`, "waits", "1");
    await ledger.settle(org, [makeRecord(org, first)]);
    expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
      reason: "concurrency",
      retryAfterMs: 1_000,
    });
    const waiting = ledger.admit(makeRequest(org, patient));
    await pause();
    clock.advance(300);
    await pause();
    expect((await ledger.inspect(org))?.openHolds).toEqual([]);
    clock.advance(1);
    granted(await waiting);
  });

  test("two edges share it: whoever came first is served first, whichever edge they asked", async () => {
    const opened = await openWith(world.redis, { concurrency: 1 });
    const { ledger, org } = opened;
    let [running = ""] = await fill(opened, 1);
    const other = (await openWith(world.redis)).ledger;
    const order: string[] = [];
    const waiting: Promise<string>[] = [];
    for (const [name, at] of [
      ["one", ledger],
      ["two", other],
      ["three", ledger],
    ] as const) {
      const answer = at.admit(makeRequest(org, patient)).then((each) => (order.push(name), granted(each).hold));
      waiting.push(answer);
      await pause();
    }
    for (const next of waiting) {
      await ledger.settle(org, [makeRecord(org, running)]);
      running = await next;
    }
    expect(order).toEqual(["one", "two", "three"]);
  });
});
