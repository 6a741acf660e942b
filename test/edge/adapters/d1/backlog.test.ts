import { beforeAll, expect, test } from "vitest";
import { rollUpBacklog } from "#edge/adapters/d1/backlog.ts";
import { DB, migrate, migrateUntil } from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

const org = "org_0000000001";
const before = 4_500;

/** Lines of the bill from number `first` on, spread over three days, 7 keys and 2 models; one in five came late. */
const fill = (first: number, count: number) =>
  DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ?2 - 1)
     INSERT INTO usage (id, hold, org, key, model, tier, endpoint, "end", prompt_tokens, cached_tokens,
       completion_tokens, cost_micros, admitted_at_ms, ended_at_ms)
     SELECT 'hold_' || i || iif(i % 5, '', ':late'), 'hold_' || i, ?3, 'key_' || i % 7, 'm' || i % 2, 'shared',
       'embeddings', 'completed', i, 0, 1, 3, 1e12 + i * 37e3, 1e12 + i * 37e3 + i % 900
     FROM n`,
  )
    .bind(first, count, org)
    .run();

const lines = (spanMs: number) => `SELECT admitted_at_ms - admitted_at_ms % ${spanMs} AS moment, key, model,
  sum(id = hold) AS calls, sum(prompt_tokens) AS prompt_tokens, sum(cost_micros) AS cost_micros,
  sum(iif(id = hold, ended_at_ms - admitted_at_ms, 0)) AS duration_ms,
  sum(id = hold AND ended_at_ms - admitted_at_ms < 10) AS duration_0
  FROM usage GROUP BY moment, key, model ORDER BY moment, key, model`;
const sums = (table: string, moment: string) => `SELECT ${moment} AS moment, key, model, calls, prompt_tokens,
  cost_micros, duration_ms, duration_0 FROM ${table} ORDER BY moment, key, model`;
const read = async (sql: string) => (await DB.prepare(sql).all()).results;

async function expectExact(): Promise<void> {
  expect(await read(sums("usage_hourly", "hour"))).toEqual(await read(lines(3_600_000)));
  expect(await read(sums("usage_daily", "day"))).toEqual(await read(lines(86_400_000)));
}

/** A clock by which each run takes one step and stops. */
function hurried(): () => number {
  let ms = 0;
  return () => (ms += 3_600_000);
}

beforeAll(async () => {
  await migrateUntil("0009");
  await fill(1, before);
  await migrate();
});

test("what was on the bill before is added up a step at a time, exactly, however often and by how many", async () => {
  expect(await read("SELECT count(*) AS rows FROM usage_hourly")).toEqual([{ rows: 0 }]);
  await fill(10_001, 300);
  expect(await rollUpBacklog({ db: DB, now: hurried() })).toBe(before - 2_000);
  // What the newest of them has, who reads sees already; what comes meanwhile is counted as ever.
  expect(await read("SELECT sum(calls) AS calls FROM usage_hourly")).toEqual([{ calls: (2_300 / 5) * 4 }]);
  await fill(20_001, 300);
  const runs = [1, 2, 3].map(() => rollUpBacklog({ db: DB, now: () => 0 }));
  expect(await Promise.all(runs)).toEqual([0, 0, 0]);
  await expectExact();
  await fill(30_001, 300);
  expect(await rollUpBacklog({ db: DB, now: () => 0 })).toBe(0);
  await expectExact();
});

test("a step that fails has added up nothing", async () => {
  await DB.batch([
    DB.prepare("DELETE FROM usage_hourly"),
    DB.prepare("DELETE FROM usage_daily"),
    DB.prepare("UPDATE usage_backlog SET up_to = (SELECT max(rowid) FROM usage)"),
    DB.prepare("CREATE TRIGGER broken BEFORE INSERT ON usage_daily BEGIN SELECT raise(ABORT, 'broken'); END"),
  ]);
  await expect(rollUpBacklog({ db: DB, now: () => 0 })).rejects.toThrow("broken");
  expect(await read("SELECT count(*) AS rows FROM usage_hourly")).toEqual([{ rows: 0 }]);
  await DB.prepare("DROP TRIGGER broken").run();
  expect(await rollUpBacklog({ db: DB, now: () => 0 })).toBe(0);
  await expectExact();
});
