import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { UsageRow } from "../../../../edge/admission/port.ts";
import { upstashLedger } from "../../../../edge/adapters/upstash/ledger.ts";
import { openOutbox } from "../../../../edge/adapters/upstash/outbox.ts";
import { askOf, granted, noon, recordOf } from "../../../contracts/ledger-fixtures.ts";
import { isRedisThere, openWith, openWorld, type RedisWorld } from "./redis-world.ts";

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
      ...world.redis, waitMsMax: 20_000, now: () => noon, later: () => undefined,
      writeRows: async (rows) => {
        statements++;
        if (isDown) throw new Error("D1 is down");
        for (const row of rows) {
          expect(table.has(row.id)).toBe(false);
          table.set(row.id, row);
        }
      },
    });
    const answers = await Promise.all(Array.from({ length: 600 }, () => ledger.admit(askOf(org))));
    const holds = answers.map((answer) => granted(answer).hold);
    for (let i = 0; i < holds.length; i += 64) await ledger.settle(org, holds.slice(i, i + 64).map((hold) => recordOf(org, hold)));
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
    const { hold } = granted(await ledger.admit(askOf(org)));
    await ledger.settle(org, [recordOf(org, hold)]);
    const sent: string[] = [];
    const chores = (isLost: boolean) =>
      upstashLedger({
        ...world.redis, waitMsMax: 20_000, now: () => noon, later: () => undefined,
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
    const { hold } = granted(await ledger.admit(askOf(org, { ttlMs: 1_000 })));
    clock.advance(1_000);
    expect(await usage()).toMatchObject([{ id: hold, end: "expired", completionTokens: 0 }]);
  });

  test("after settlements rows go out by themselves, once a second however many there are", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const turns: string[] = [];
      const outbox = openOutbox(
        async (org, name) => {
          turns.push(`${org} ${name}`);
          return [];
        },
        { writeRows: async () => undefined, later: (work) => void work() },
      );
      for (let i = 0; i < 9; i++) outbox.drainSoon("org_1");
      outbox.drainSoon("org_2");
      expect(turns).toEqual([]);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(turns).toEqual(["org_1 outbox", "org_2 outbox"]);
      outbox.drainSoon("org_1");
      await vi.advanceTimersByTimeAsync(1_000);
      expect(turns).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });

  test("one org that fails does not keep the others, and is told of", async () => {
    const swept: string[] = [];
    const outbox = openOutbox(
      async (org) => {
        swept.push(org);
        if (org === "org_1") throw new Error("its keys are gone");
        return 0;
      },
      { writeRows: async () => undefined, later: () => undefined },
    );
    await expect(outbox.sweep(["org_1", "org_2"])).rejects.toThrow("its keys are gone");
    expect(swept).toEqual(["org_1", "org_2"]);
  });
});
