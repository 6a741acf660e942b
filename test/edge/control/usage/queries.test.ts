import { afterAll, beforeAll, expect, it } from "vitest";
import { selectUsage, sumUsage } from "#edge/control/usage/queries.ts";
import { listStart } from "#edge/control/http/fields.ts";
import type { Database } from "#edge/control/http/store.ts";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("answers an empty list and zeros where there is nothing", async () => {
  expect(await selectUsage(world.db, { org: world.b.org }, listStart, 9)).toEqual([]);
  expect(await sumUsage(world.db, { org: world.b.org })).toEqual({
    calls: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    units: 0,
    costMicros: 0,
  });
});

it("adds up exactly what it lists (Q10)", async () => {
  for (let at = 0; at < 20; at++)
    await insertUsage(world, {
      org: world.a.org,
      key: world.a.keyId,
      promptTokens: at * 1_000_003,
      costMicros: at,
      admittedAtMs: 1_000 + at,
    });
  const filter = { org: world.a.org, fromMs: 1_003, toMs: 1_017 };
  const rows = await selectUsage(world.db, filter, listStart, 1_000);
  expect(rows).toHaveLength(14);
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  expect(await sumUsage(world.db, filter)).toMatchObject({
    calls: 14,
    promptTokens: sum((row) => row.promptTokens),
    costMicros: sum((row) => row.costMicros),
  });
});

it("reads only the rows of its org and its time, by an index, without sorting", async () => {
  const asked: string[] = [];
  const batch = () => expect.unreachable("reads only");
  const spy: Database = { prepare: (sql) => (asked.push(sql), world.db.prepare(sql)), batch };
  const filter = { org: world.a.org, fromMs: 1, toMs: 2 };
  await selectUsage(spy, filter, listStart, 1);
  await sumUsage(spy, filter);
  await selectUsage(spy, { org: world.a.org, hold: "hold_x" }, listStart, 1);
  await selectUsage(spy, { ...filter, key: world.a.keyId }, listStart, 1);
  const plans = asked.map(async (sql) => {
    const values = Array.from({ length: sql.split("?").length - 1 }, () => 1);
    return (await world.select(`EXPLAIN QUERY PLAN ${sql}`, ...values)).map(({ detail }) => detail);
  });
  const [list, sums, byHold, byKey] = await Promise.all(plans);
  const search = "SEARCH usage USING INDEX usage_by_org (org=? AND admitted_at_ms>? AND";
  expect(list).toEqual([`${search} (admitted_at_ms,id)<(?,?))`]);
  expect(sums).toEqual([`${search} admitted_at_ms<?)`]);
  const byKeySearch = "usage_by_key (org=? AND key=? AND admitted_at_ms>? AND (admitted_at_ms,id)<(?,?))";
  expect(byKey).toEqual([`SEARCH usage USING INDEX ${byKeySearch}`]);
  expect(byHold?.[0]).toMatch(/^SEARCH usage USING INDEX sqlite_autoindex_usage_1/);
});

it("adds up the same by whole hours as by rows, wherever a range begins and ends", async () => {
  const hourMs = 3_600_000;
  const at = Date.UTC(2026, 1, 1);
  const owner = "user_0000000000000000000001";
  await world.select("UPDATE keys SET owner = ? WHERE id = ?", owner, world.b.keyId);
  for (let call = 0; call < 30; call++) {
    const key = call % 3 ? world.b.keyId : world.b.adminId;
    const model = call % 2 ? "embedder" : "qwen-chat";
    await insertUsage(world, { org: world.b.org, key, model, costMicros: call, admittedAtMs: at + call * 900_001 });
  }
  const ends = [undefined, at + 1, at + hourMs, at + 2.5 * hourMs, at + 9 * hourMs];
  const others = [{}, { key: world.b.keyId }, { model: "embedder" }, { owner }];
  for (const [first, fromMs] of ends.entries())
    for (const [last, toMs] of ends.entries()) {
      const filter = { org: world.b.org, fromMs, toMs, ...others[(first + last) % others.length] };
      const rows = await selectUsage(world.db, filter, listStart, 100);
      const costMicros = rows.reduce((total, row) => total + row.costMicros, 0);
      expect([filter, await sumUsage(world.db, filter)]).toMatchObject([filter, { calls: rows.length, costMicros }]);
    }
});
