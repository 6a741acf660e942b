import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { upstashLedger } from "#edge/adapters/upstash/ledger/ledger.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import { ledgerContract } from "#test/contracts/ledger/ledger-contract.ts";
import {
  makeRequest,
  freshHold,
  granted,
  keyId,
  keyRecord,
  noon,
  orgRecord,
  makeRecord,
  exceeded,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { openOn, openWith, openWorld, type RedisWorld } from "#test/edge/adapters/upstash/redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";

/**
 * Every promise of the port, over a real Redis behind the REST bridge; each restart is a kill -9 of Redis. With
 * `appendfsync always`: `everysec` may lose up to two seconds of what was acknowledged also when only the process dies,
 * since it puts off writing while the disk is behind.
 */
describe.skipIf(!isRedisThere)("upstash", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("always")));
  afterAll(() => world?.close());

  ledgerContract("upstash ledger", (startMs) => world.open(startMs), { numRuns: 20, maxCommands: 80 });

  test("an admission is one HTTP request, and so is a settlement of 64 records", async () => {
    const { ledger, org } = await openWith(world.redis);
    const requests = async (work: () => Promise<unknown>) => {
      const before = world.redis.bridge.requests;
      await work();
      return world.redis.bridge.requests - before;
    };
    const holds: string[] = [];
    for (let i = 0; i < 64; i++)
      expect(await requests(async () => holds.push(granted(await ledger.admit(makeRequest(org))).hold))).toBe(1);
    expect(
      await requests(() =>
        ledger.settle(
          org,
          holds.map((hold) => makeRecord(org, hold)),
        ),
      ),
    ).toBe(1);
    expect(await requests(() => ledger.admit(makeRequest(org, { digests: [] })))).toBe(1);
    expect((await ledger.inspect(org))?.outboxRows).toBe(64);
  });

  test("an older version's holds stay held, their checkpoints are charged, a late row counts once", async () => {
    const { ledger, org, clock, usage } = await openWith(world.redis);
    const [key, name] = [keyId(org, 1), (part: string) => `penstock:{${org}}:${part}`];
    const [open, expired] = [freshHold(), freshHold()];
    const makeBill = (hold: string) =>
      JSON.stringify({ hold, org, key, model: "small", tier: "shared", endpoint: "chat.completions" }).slice(1, -1);
    const makeHold = (hold: string, ends: number) =>
      `${[key, 1, 10, 20, 1, 1_000_000, 2_000_000, noon, "", makeBill(hold)].join("\n")}\n${ends}\n10 0 7 "id"`;
    const slides = `0 2 ${noon / 1_000} ${noon / 1_000} 0 2|0 2 ${noon / 60_000} ${noon / 60_000} 0 2`;
    const tokens = `30 17 ${noon / 1_000} ${noon / 1_000} 30 17`;
    const books = `1 ${Math.floor(noon / 86_400_000)} 1 1 30 17 ${2032 * 12 + 2} 30 17 50 24|${slides}|${tokens}`;
    await world.command("HSET", name("books"), "at", String(noon), "org", books, key, books);
    await world.command("HSET", name("holds"), open, makeHold(open, noon + 60_000));
    await world.command("ZADD", name("open"), String(noon + 60_000), `${open}${key}1`);
    await world.command("ZADD", name("ends"), String(noon), expired);
    await world.command("HSET", name("late"), expired, `24\n10 0 7 "id"\n${makeHold(expired, noon)}`);
    for (const [id, end] of [
      [expired, "expired"],
      [freshHold(), "done"],
      [freshHold(), "cut"],
      [freshHold(), "broken"],
      [`${freshHold()}:late`, "corrected"],
    ])
      await world.command("XADD", name("outbox"), "*", "row", `{"id":"${id}",${makeBill(expired)},"end":"${end}"}`);

    const windows = (await ledger.inspect(org))?.windows.filter(({ window }) => window === "tokensPerDay");
    expect(windows).toMatchObject([
      { of: "org", held: 30, settled: 17 },
      { of: key, limit: 100_000, held: 30, settled: 17 },
    ]);
    const settle = () => ledger.settle(org, [makeRecord(org, expired)]);
    expect([await settle(), await settle()]).toMatchObject([[{ result: "adjusted" }], [{ result: "repeated" }]]);
    clock.advance(60_000);
    expect(await ledger.settle(org, [makeRecord(org, open)])).toMatchObject([{ result: "adjusted" }]);
    const after = (await ledger.inspect(org))?.windows.filter(({ window }) => window === "tokensPerDay");
    expect(after).toMatchObject([
      { held: 0, settled: 60 },
      { held: 0, settled: 60 },
    ]);
    expect((await usage()).map(({ end }) => end)).toEqual([
      "expired",
      "completed",
      "cancelled",
      "failed",
      "adjusted",
      "adjusted",
      "expired",
      "adjusted",
    ]);
  });

  test("a settlement of 64 orgs is one HTTP request, and an org with corrupt keys stops no other", async () => {
    const { ledger } = await openWith(world.redis);
    const orgs = await Promise.all(Array.from({ length: 64 }, async () => (await openWith(world.redis)).org));
    const holds = await Promise.all(orgs.map(async (org) => granted(await ledger.admit(makeRequest(org))).hold));
    const spoilt = orgs[40] ?? "";
    await world.command("SET", `penstock:{${spoilt}}:open`, "spoilt");
    const before = world.redis.bridge.requests;
    const answers = await ledger.settleAll(
      orgs.map((org, index) => ({ org, records: [makeRecord(org, holds[index] ?? "")] })),
    );
    expect(world.redis.bridge.requests - before).toBe(1);
    for (const [index, answer] of answers.entries()) {
      if (index === 40) expect(String(answer.status === "rejected" && answer.reason)).toContain("WRONGTYPE");
      else expect(answer).toEqual({ status: "fulfilled", value: [{ hold: holds[index], result: "settled" }] });
    }
  });

  test("behind an answer that left a line on the bill, and only then, the line goes out to D1", async () => {
    const { org } = await openWith(world.redis);
    const works: (() => Promise<void>)[] = [];
    const sent: string[] = [];
    const ledger = upstashLedger({
      ...world.redis,
      waitMsMax: 20_000,
      now: () => noon,
      clock: () => Date.now(),
      later: (work) => void works.push(work),
      writeRows: async (rows) => void sent.push(...rows.map(({ id }) => id)),
    });
    const admit = async () => granted(await ledger.admit(makeRequest(org))).hold;
    const [first, second, third] = [await admit(), await admit(), await admit()];
    expect(
      await ledger.settle(org, [
        makeRecord(org, first, { isFinal: false }),
        makeRecord(org, second, { isFinal: false }),
      ]),
    ).toMatchObject([{ result: "checkpointed" }, { result: "checkpointed" }]);
    expect(await ledger.release(org, third)).toMatchObject({ result: "released" });
    expect(works).toHaveLength(0);
    expect(await ledger.release(org, first)).toMatchObject({ result: "settled" });
    expect(works).toHaveLength(1);
    await works[0]?.();
    expect(sent).toEqual([first]);
    expect(await ledger.settle(org, [makeRecord(org, second)])).toMatchObject([{ result: "settled" }]);
    expect(works).toHaveLength(2);
    await works[1]?.();
    expect(sent).toEqual([first, second]);
  });

  test("when Redis has forgotten every script, calls go on, and the script is sent once", async () => {
    const { ledger, org } = await openWith(world.redis);
    await world.command("SCRIPT", "FLUSH");
    const before = world.redis.bridge.requests;
    const { hold } = granted(await ledger.admit(makeRequest(org)));
    expect(await ledger.settle(org, [makeRecord(org, hold)])).toMatchObject([{ result: "settled" }]);
    expect(world.redis.bridge.requests - before).toBe(3);
  });

  test("of shut windows that open at once, the first is named", async () => {
    const { ledger, org } = await openWith(world.redis, { requestsPerDay: 1, tokensPerDay: 40 });
    granted(await ledger.admit(makeRequest(org)));
    expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({ window: "requestsPerDay", of: "org" });
  });

  test("two edges on one Redis hold a limit together", async () => {
    const { ledger, org } = await openWith(world.redis, { requestsPerMinute: 100 });
    const other = upstashLedger({
      ...world.redis,
      waitMsMax: 20_000,
      now: () => noon,
      writeRows: async () => undefined,
      clock: () => Date.now(),
      later: () => undefined,
    });
    const answers = await Promise.all(
      Array.from({ length: 600 }, (_, index) => (index % 2 ? ledger : other).admit(makeRequest(org))),
    );
    expect(answers.filter(({ kind }) => kind === "grant")).toHaveLength(100);
  });

  test("without a clock of ours the clock of Redis counts", async () => {
    const { url, token } = world.redis;
    const { org } = await openOn(world.redis, noon);
    const ledger = upstashLedger({
      url,
      token,
      waitMsMax: 20_000,
      writeRows: async () => undefined,
      clock: () => Date.now(),
      later: () => undefined,
    });
    await ledger.publish(orgRecord(org, {}));
    await ledger.publish(keyRecord(org, 1));
    const before = Date.now();
    const { expiresAtMs } = granted(await ledger.admit(makeRequest(org, { ttlMs: 1_000 })));
    expect(expiresAtMs).toBeGreaterThanOrEqual(before + 1_000);
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  test("a key whose slots are cut below its open calls is given the deadline of the call that frees one", async () => {
    const { ledger, org } = await openWith(world.redis);
    await ledger.publish(keyRecord(org, 1, { limits: { concurrency: 4 }, version: 2 }));
    await ledger.publish(keyRecord(org, 2, { limits: { concurrency: 9 } }));
    for (const ttlMs of [4_000, 1_000, 3_000, 2_000]) granted(await ledger.admit(makeRequest(org, { ttlMs })));
    granted(await ledger.admit(makeRequest(org, { key: keyId(org, 2), ttlMs: 2_500 })));
    await ledger.publish(keyRecord(org, 1, { limits: { concurrency: 2 }, version: 3 }));
    expect(exceeded(await ledger.admit(makeRequest(org)))).toMatchObject({
      window: "concurrency",
      of: "key",
      limit: 2,
      resetAtMs: noon + 3_000,
      retryAfterMs: 1_000,
    });
  });

  test("all keys of an org carry its tag and stay few, however many calls there were", async () => {
    const { ledger, org } = await openWith(world.redis);
    for (let i = 0; i < 30; i++) {
      const { hold } = granted(
        await ledger
          .admit(
            makeRequest(org, { idempotency: { key: String(i % 10).repeat(64), body: "b".repeat(64) }, ttlMs: 1 + i }),
          )
          .catch(() => ledger.admit(makeRequest(org)))
          .then((answer) => (answer.kind === "grant" ? answer : ledger.admit(makeRequest(org)))),
      );
      if (i % 3 === 0) await ledger.settle(org, [makeRecord(org, hold)]);
    }
    const keys = (await world.command("KEYS", `*${org}*`)) as string[];
    expect(keys.length).toBeLessThanOrEqual(9);
    for (const key of keys) expect(key).toMatch(new RegExp(`^penstock:\\{${org}\\}:[a-z]+$`));
  });

  test("calls that ended a week ago are forgotten, a few at a time, and their charges stay on the bill", async () => {
    const { ledger, org, clock, usage } = await openWith(world.redis);
    for (let i = 0; i < 3; i++)
      granted(
        await ledger.admit(
          makeRequest(org, { ttlMs: 1_000, idempotency: { key: String(i).repeat(64), body: "b".repeat(64) } }),
        ),
      );
    clock.advance(1_000);
    await ledger.inspect(org);
    clock.advance(7 * 24 * 3_600_000);
    const { hold } = granted(
      await ledger.admit(makeRequest(org, { idempotency: { key: "9".repeat(64), body: "b".repeat(64) } })),
    );
    await ledger.settle(org, [makeRecord(org, hold)]);
    const sizes = await Promise.all(
      [
        ["ZCARD", "ends"],
        ["HLEN", "late"],
        ["HLEN", "again"],
        ["ZCARD", "ages"],
        ["HLEN", "holds"],
      ].map(([name = "", key]) => world.command(name, `penstock:{${org}}:${key}`)),
    );
    expect(sizes).toEqual([1, 0, 1, 1, 0]);
    expect(await usage()).toHaveLength(4);
  });

  test("of a key that has left Redis has the version; its lineage's counters go with its last key", async () => {
    const { ledger, org, clock, usage } = await openWith(world.redis);
    const name = (part: string) => `penstock:{${org}}:${part}`;
    const list = async (command: string, part: string, ...args: string[]) =>
      ((await world.command(command, name(part), ...args)) as string[]).toSorted();
    const limits = { tokensPerDay: 100 };
    const [one, two] = [keyId(org, 1), keyId(org, 2)];
    const ranges = Array.from({ length: 100 }, () => ({ from: "0".repeat(32), to: "f".repeat(32) }));
    await ledger.publish(keyRecord(org, 2, { limits, lineage: one }));
    for (const key of [one, two]) granted(await ledger.admit(makeRequest(org, { key, ttlMs: 1_000 })));
    const { hold } = granted(await ledger.admit(makeRequest(org, { key: two })));
    await ledger.publish(keyRecord(org, 1, { limits, isRevoked: true, version: 2, ipRanges: ranges }));
    expect(String(await world.command("HGET", name("records"), one)).length).toBeLessThan(500);
    clock.advance(keyRetentionMs);
    await usage();
    expect([await list("HKEYS", "records"), await list("HGETALL", "left")]).toEqual([
      [two, "org"],
      ["2", one],
    ]);
    expect(await list("HKEYS", "books")).toEqual(["at", one, "leaves", "org"].toSorted());
    await ledger.publish(keyRecord(org, 2, { limits, lineage: one, isRevoked: true, version: 2 }));
    clock.advance(keyRetentionMs);
    expect(await ledger.settle(org, [makeRecord(org, hold)])).toMatchObject([{ result: "adjusted" }]);
    expect([await list("HKEYS", "records"), await list("HKEYS", "left")]).toEqual([["org"], [one, two]]);
    expect(await list("HKEYS", "books")).toEqual(["at", "leaves", "org"]);
    expect(await list("ZRANGE", "leaving", "0", "-1")).toEqual([]);
    await ledger.publish(keyRecord(org, 1, { version: 3 }));
    expect(await list("HKEYS", "left")).toEqual([two]);
  });

  test("of keys in an older version's store it is planned once when they leave", async () => {
    const { ledger, org, clock, usage } = await openWith(world.redis);
    const name = (part: string) => `penstock:{${org}}:${part}`;
    await ledger.publish(keyRecord(org, 2, { isRevoked: true }));
    await ledger.publish(keyRecord(org, 3, { expiresAtMs: noon + 9_000 }));
    await world.command("DEL", name("leaving"));
    await world.command("HDEL", name("books"), "leaves");
    const plan = async () =>
      ((await world.command("ZRANGE", name("leaving"), "0", "-1", "WITHSCORES")) as unknown[]).flat().map(String);
    await usage();
    const planned = [keyId(org, 2), noon + keyRetentionMs, keyId(org, 3), noon + 9_000 + keyRetentionMs];
    expect(await plan()).toEqual(planned.map(String));
    clock.advance(60_000);
    await usage();
    expect(await plan()).toEqual(planned.map(String));
    // Not the cron, but a publication comes first.
    await world.command("DEL", name("leaving"));
    await world.command("HDEL", name("books"), "leaves");
    await ledger.publish(keyRecord(org, 4, { isRevoked: true }));
    expect(await world.command("ZCARD", name("leaving"))).toBe(3);
    clock.advance(keyRetentionMs);
    await usage();
    expect(new Set((await world.command("HKEYS", name("records"))) as string[])).toEqual(
      new Set(["org", keyId(org, 1)]),
    );
  });

  test("kill -9 in the middle of a storm loses nothing that was acknowledged, and nobody is let in twice", async () => {
    for (let round = 0; round < 4; round++) {
      const { ledger, org } = await openWith(world.redis, { requestsPerMinute: 400 });
      const known = new Map<string, "open" | "settled">();
      const caller = async () => {
        for (let i = 0; i < 60; i++) {
          const answer = await ledger.admit(makeRequest(org));
          if (answer.kind === "grant") known.set(answer.hold, "open");
          if (answer.kind === "grant" && i % 2 === 0) {
            const [settled] = await ledger.settle(org, [makeRecord(org, answer.hold)]);
            if (settled?.result === "settled") known.set(answer.hold, "settled");
          }
        }
      };
      const storm = Promise.allSettled(Array.from({ length: 12 }, caller));
      while (known.size < 20 + 25 * round) await new Promise((done) => setTimeout(done, 1));
      await world.crash();
      await storm;
      const state = await ledger.inspect(org);
      const open = new Set(state?.openHolds.map(({ hold }) => hold));
      for (const [hold, stage] of known) {
        const [reported] = await ledger.settle(org, [makeRecord(org, hold)]);
        expect(reported?.result === "unknown", `round ${round}: ${hold} was ${stage}`).toBe(false);
        if (stage === "settled") expect(reported?.result).toBe("repeated");
      }
      // A call whose answer was lost in the crash may be held as well: never more than were under way.
      expect(open.size).toBeLessThanOrEqual([...known.values()].filter((stage) => stage === "open").length + 24);
      const minute = (await ledger.inspect(org))?.windows.find(
        ({ window, of }) => window === "requestsPerMinute" && of === "org",
      );
      expect(minute?.settled).toBeLessThanOrEqual(400);
      expect(minute?.settled).toBeGreaterThanOrEqual(known.size);
    }
  });
});
