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
  await selectUsage(spy, { org: world.a.org }, listStart, 1);
  await sumUsage(spy, { org: world.a.org });
  await selectUsage(spy, { org: world.a.org, hold: "hold_x" }, listStart, 1);
  const [list = "", sums = "", byHold = ""] = asked;
  const plan = async (sql: string, hold: string | null, ...more: unknown[]) =>
    (await world.select(`EXPLAIN QUERY PLAN ${sql}`, world.a.org, 0, 1, null, null, hold, null, ...more)).map(
      ({ detail }) => detail,
    );
  for (const details of [await plan(list, null, 1, "", 1), await plan(sums, null)]) {
    expect(details[0]).toMatch(/^SEARCH usage USING INDEX usage_by_org \(org=\? AND admitted_at_ms>/);
    expect(details.join()).not.toContain("TEMP B-TREE");
  }
  expect((await plan(byHold, "hold_x", 1, "", 1))[0]).toMatch(/^SEARCH usage USING INDEX sqlite_autoindex_usage_1/);
});
