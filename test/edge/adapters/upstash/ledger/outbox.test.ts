import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { UsageRow } from "#edge/ledger/port.ts";
import { upstashLedger } from "#edge/adapters/upstash/ledger/ledger.ts";
import { openOutbox, type OutboxCommand } from "#edge/adapters/upstash/ledger/outbox.ts";
import { makeRequest, granted, noon, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { openWith, openWorld, type RedisWorld } from "#test/edge/adapters/upstash/redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";

describe.skipIf(!isRedisThere)("the bill's way out of Redis", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("always")));
  afterAll(() => world?.close());

  test("while D1 fails no row is lost; then each arrives once", async () => {
    const { org, ledger } = await openWith(world.redis);
    const table = new Map<string, UsageRow>();
    let isDown = true;
    let statements = 0;
    const chores = upstashLedger({
      ...world.redis,
      waitMsMax: 20_000,
      now: () => noon,
      clock: () => Date.now(),
      later: () => undefined,
      writeRows: async (rows) => {
        statements++;
        if (isDown) throw new Error("D1 is down");
        for (const row of rows) {
          expect(table.has(row.id)).toBe(false);
          table.set(row.id, row);
        }
      },
    });
    const answers = await Promise.all(Array.from({ length: 600 }, () => ledger.admit(makeRequest(org))));
    const holds = answers.map((answer) => granted(answer).hold);
    for (let i = 0; i < holds.length; i += 64)
      await ledger.settle(
        org,
        holds.slice(i, i + 64).map((hold) => makeRecord(org, hold)),
      );
    await expect(chores.sweep([org])).rejects.toThrow("D1 is down");
    expect((await ledger.inspect(org))?.outboxRows).toBe(600);
    isDown = false;
    await chores.sweep([org]);
    expect(new Set(table.keys())).toEqual(new Set(holds));
    expect(statements).toBe(3);
    expect((await ledger.inspect(org))?.outboxRows).toBe(0);
  });

  test("a crash after D1 took the rows and before Redis knew sends them again under the same ids", async () => {
    const { org, ledger } = await openWith(world.redis);
    const { hold } = granted(await ledger.admit(makeRequest(org)));
    await ledger.settle(org, [makeRecord(org, hold)]);
    const sent: string[] = [];
    const chores = (isLost: boolean) =>
      upstashLedger({
        ...world.redis,
        waitMsMax: 20_000,
        now: () => noon,
        clock: () => Date.now(),
        later: () => undefined,
        writeRows: async (rows) => {
          sent.push(...rows.map(({ id }) => id));
          if (isLost) throw new Error("lost");
        },
      });
    await expect(chores(true).sweep([org])).rejects.toThrow("lost");
    await world.crash();
    await chores(false).sweep([org]);
    await chores(false).sweep([org]);
    expect(sent).toEqual([hold, hold]);
  });

  test("a cron expires what is due though no call comes", async () => {
    const { org, ledger, clock, usage } = await openWith(world.redis);
    const { hold } = granted(await ledger.admit(makeRequest(org, { ttlMs: 1_000 })));
    clock.advance(1_000);
    expect(await usage()).toMatchObject([{ id: hold, end: "expired", completionTokens: 0 }]);
  });

  test("many orgs' rows go out in two requests and one statement", async () => {
    const opened = [await openWith(world.redis), await openWith(world.redis), await openWith(world.redis)];
    const [{ ledger }] = opened as [(typeof opened)[number]];
    for (const { org } of opened) {
      const { hold } = granted(await ledger.admit(makeRequest(org)));
      await ledger.settle(org, [makeRecord(org, hold)]);
    }
    const statements: string[][] = [];
    const chores = upstashLedger({
      ...world.redis,
      waitMsMax: 20_000,
      now: () => noon,
      clock: () => Date.now(),
      later: () => undefined,
      writeRows: async (rows) => void statements.push(rows.map(({ org }) => org)),
    });
    const before = world.redis.bridge.requests;
    await chores.sweep(opened.map(({ org }) => org));
    expect(world.redis.bridge.requests - before).toBe(3);
    expect(statements).toEqual([opened.map(({ org }) => org)]);
    for (const { org } of opened) expect((await ledger.inspect(org))?.outboxRows).toBe(0);
  });
});

/**
 * Outboxes in memory, each row known by its id; the chores that were asked, one line a request; and what D1 was given,
 * one list a statement.
 */
function setUp(readRows: Record<string, number>, refuses: (rows: string[]) => boolean = () => false) {
  const outboxes = new Map(
    Object.entries(readRows).map(([org, count]) => [
      org,
      Array.from({ length: count }, (_, index) => `${org}/${index}`),
    ]),
  );
  const requests: string[] = [];
  const statements: string[][] = [];
  const works: (() => Promise<void>)[] = [];
  let isStuck = false;
  const answer = ({ org, name, args }: OutboxCommand): unknown => {
    const rows = outboxes.get(org);
    if (!rows) throw new Error(`the keys of ${org} are gone`);
    if (name === "sweep") return rows.length;
    if (name === "outbox") return rows.slice(0, Number(args[0])).flatMap((id) => [id, JSON.stringify({ id })]);
    if (isStuck) throw new Error("READONLY");
    outboxes.set(
      org,
      rows.filter((id) => !args.includes(id)),
    );
    return args.length;
  };
  const outbox = openOutbox(
    (chores) => {
      // No chores are no request: openScript sends none.
      if (chores.length > 0) requests.push(chores.map(({ org, name }) => `${org} ${name}`).join(", "));
      return Promise.allSettled(chores.map(async (chore) => answer(chore)));
    },
    {
      writeRows: async (rows) => {
        const ids = rows.map(({ id }) => id);
        statements.push(ids);
        if (refuses(ids)) throw new Error("D1 says no");
      },
      clock: () => Date.now(),
      later: (work) => void works.push(work),
    },
  );
  return { outbox, outboxes, requests, statements, works, stick: () => void (isStuck = true) };
}

describe("the outbox", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  test("after settlements the rows of all orgs go out together, once a second however many there are", async () => {
    const { outbox, requests, statements, works } = setUp({ org_1: 2, org_2: 1 });
    for (let i = 0; i < 9; i++) outbox.drainSoon("org_1");
    outbox.drainSoon("org_2");
    expect(works).toHaveLength(1);
    const done = works[0]?.();
    await vi.advanceTimersByTimeAsync(999);
    expect(requests).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(requests).toEqual(["org_1 outbox, org_2 outbox", "org_1 drained, org_2 drained"]);
    expect(statements).toEqual([["org_1/0", "org_1/1", "org_2/0"]]);
    outbox.drainSoon("org_1");
    expect(works).toHaveLength(2);
  });

  test("what settles while rows are on their way goes a second after them, in the same work", async () => {
    let settle = () => {};
    const { outbox, requests, works } = setUp({ org_1: 1, org_2: 1 }, () => {
      settle();
      return false;
    });
    settle = () => {
      settle = () => {};
      outbox.drainSoon("org_2");
    };
    outbox.drainSoon("org_1");
    const done = works[0]?.();
    await vi.advanceTimersByTimeAsync(1_999);
    expect(requests).toEqual(["org_1 outbox", "org_1 drained"]);
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(requests.slice(2)).toEqual(["org_2 outbox", "org_2 drained"]);
    expect(works).toHaveLength(1);
  });

  test("a round that died with its request does not keep the next from starting", () => {
    const { outbox, works } = setUp({ org_1: 1 });
    outbox.drainSoon("org_1");
    vi.advanceTimersByTime(29_999);
    outbox.drainSoon("org_1");
    expect(works).toHaveLength(1);
    vi.advanceTimersByTime(1);
    outbox.drainSoon("org_1");
    expect(works).toHaveLength(2);
  });

  test("a full outbox is emptied page by page, oldest first, and no statement grows beyond some 500 rows", async () => {
    const { outbox, outboxes, statements } = setUp({ org_1: 400, org_2: 3, org_3: 170 });
    await outbox.sweep(["org_1", "org_2", "org_3"]);
    expect([...outboxes.values()].flat()).toEqual([]);
    expect(statements.flat()).toHaveLength(573);
    expect(statements.flat().filter((id) => id.startsWith("org_1"))).toEqual(
      Array.from({ length: 400 }, (_, index) => `org_1/${index}`),
    );
    for (const rows of statements) expect(rows.length).toBeLessThanOrEqual(501);
  });

  test("sixty-four orgs are asked at once, and the others after them", async () => {
    const orgs = Array.from({ length: 130 }, (_, index) => `org_${index}`);
    const { outbox, requests } = setUp(Object.fromEntries(orgs.map((org) => [org, 0])));
    await outbox.sweep(orgs);
    expect(requests.map((request) => request.split(", ").length)).toEqual([64, 64, 2]);
  });

  test("where there is nothing to send D1 is not called, and Redis has nothing to forget", async () => {
    const { outbox, requests, statements, works } = setUp({ org_1: 0, org_2: 1 });
    outbox.drainSoon("org_1");
    await Promise.all([works[0]?.(), vi.advanceTimersByTimeAsync(1_000)]);
    expect([requests, statements]).toEqual([["org_1 outbox"], []]);
    outbox.drainSoon("org_1");
    outbox.drainSoon("org_2");
    await Promise.all([works[1]?.(), vi.advanceTimersByTimeAsync(1_000)]);
    expect(requests.slice(1)).toEqual(["org_1 outbox, org_2 outbox", "org_2 drained"]);
  });

  test("what D1 would not take is logged, and left for the cron", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const { outbox, outboxes, requests, works } = setUp({ org_1: 1, org_2: 1 }, () => true);
    outbox.drainSoon("org_1");
    outbox.drainSoon("org_2");
    outbox.drainSoon("org_gone");
    await Promise.all([works[0]?.(), vi.advanceTimersByTimeAsync(10_000)]);
    expect(log.mock.calls.map(([line]) => JSON.parse(line))).toEqual([
      { event: "usage_drain_failed", orgs: 3, failures: 4, cause: "Error: the keys of org_gone are gone" },
    ]);
    expect([...outboxes.values()].flat()).toEqual(["org_1/0", "org_2/0"]);
    expect(requests).toEqual(["org_1 outbox, org_2 outbox, org_gone outbox"]);
    log.mockClear();
    const fine = setUp({ org_1: 1 });
    fine.outbox.drainSoon("org_1");
    await Promise.all([fine.works[0]?.(), vi.advanceTimersByTimeAsync(10_000)]);
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });

  test("a round ends in time for its request to live through it, however much comes after", async () => {
    let settle = () => {};
    const { outbox, statements, works } = setUp({ org_1: 1_000_000 }, () => {
      settle();
      return true;
    });
    vi.spyOn(console, "error").mockReturnValue();
    settle = () => outbox.drainSoon("org_1");
    settle();
    await Promise.all([works[0]?.(), vi.advanceTimersByTimeAsync(40_000)]);
    expect(statements).toHaveLength(15);
    settle();
    expect(works).toHaveLength(2);
    vi.mocked(console.error).mockRestore();
  });

  test("one org that fails does not hold up the others, and is reported", async () => {
    const { outbox, outboxes, statements } = setUp({ org_1: 1, org_3: 1 });
    await expect(outbox.sweep(["org_1", "org_2", "org_3"])).rejects.toThrow("the keys of org_2 are gone");
    expect(statements).toEqual([["org_1/0", "org_3/0"]]);
    expect([...outboxes.values()].flat()).toEqual([]);
  });

  test("a row that D1 will never take stays, and keeps no other org's", async () => {
    const orgs = Array.from({ length: 64 }, (_, index) => `org_${index}`);
    const { outbox, outboxes } = setUp(Object.fromEntries(orgs.map((org) => [org, 2])), (ids) =>
      ids.includes("org_41/1"),
    );
    await expect(outbox.sweep(orgs)).rejects.toThrow("D1 says no");
    expect([...outboxes.values()].flat()).toEqual(["org_41/0", "org_41/1"]);
  });

  test("when D1 is down it is not retried for ever, and no row leaves", async () => {
    const orgs = Array.from({ length: 64 }, (_, index) => `org_${index}`);
    const { outbox, outboxes, statements } = setUp(Object.fromEntries(orgs.map((org) => [org, 1])), () => true);
    await expect(outbox.sweep(orgs)).rejects.toThrow("D1 says no");
    expect(statements.length).toBeLessThanOrEqual(8);
    expect([...outboxes.values()].flat()).toHaveLength(64);
  });

  test("rows that Redis will not let go of are sent once a round, not for ever", async () => {
    const { outbox, statements, stick } = setUp({ org_1: 500 });
    stick();
    await expect(outbox.sweep(["org_1"])).rejects.toThrow("READONLY");
    expect(statements).toHaveLength(1);
  });
});
