import { env } from "cloudflare:test";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { archiveUsage } from "#edge/adapters/d1/archive.ts";
import { usageColumnNames } from "#edge/agreements/records/usage-columns.ts";
import { DB, migrate } from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

const { RESPONSES: bucket } = env as unknown as { RESPONSES: R2Bucket };
const day = 86_400_000;
const first = Date.UTC(2026, 0, 1);
const orgs = ["org_0000000001", "org_0000000002"];
let nowMs = 0;
const terms = { db: DB, bucket, days: 62, now: () => nowMs };

beforeAll(async () => {
  await migrate();
  const insert = "INSERT INTO orgs (id, name, plan, limits, created_at_ms) VALUES (?, 'x', 'standard', '{}', 1)";
  for (const org of orgs) await DB.prepare(insert).bind(org).run();
});

/** So many rows of each org on a day; one in five came late. */
const fill = (count: number, atMs: number) =>
  DB.batch(
    orgs.map((org, at) =>
      DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO usage (id, hold, org, key, model, tier, endpoint, "end", response_id, prompt_tokens, cached_tokens,
           completion_tokens, cost_micros, admitted_at_ms, ended_at_ms, ttft_ms)
         SELECT 'hold_' || ?4 || printf('%012d%09d', ?3 / 1000, i) || iif(i % 5, '', ':late'),
           'hold_' || ?4 || printf('%012d%09d', ?3 / 1000, i),
           ?2, 'key_1', 'm "quoted"' || char(10), 'shared', 'embeddings', 'completed', NULL, i, 0, 1, 3,
           ?3 + i, ?3 + i, 9
         FROM n`,
      ).bind(count, org, atMs, at),
    ),
  );

async function readAll(): Promise<Record<string, unknown>[]> {
  const { objects } = await bucket.list({ prefix: "usage/" });
  const rows: Record<string, unknown>[] = [];
  for (const { key } of objects.filter(({ key: name }) => name.endsWith(".jsonl.gz"))) {
    const found = await bucket.get(key);
    const text = await new Response(found?.body.pipeThrough(new DecompressionStream("gzip"))).text();
    rows.push(
      ...text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    );
  }
  return rows;
}
const count = async (table: string) =>
  (await DB.prepare(`SELECT count(*) AS n, sum(${table === "usage" ? 1 : "calls"}) AS s FROM ${table}`).first<{
    n: number;
    s: number | null;
  }>()) ?? {
    n: 0,
    s: 0,
  };

beforeEach(async () => {
  await DB.batch(
    ["usage", "usage_hourly", "usage_daily", "archived_usage"].map((name) => DB.prepare(`DELETE FROM ${name}`)),
  );
  const { objects } = await bucket.list();
  await bucket.delete(objects.map(({ key }) => key));
});

test("a day goes whole once all of it is old enough; roll-ups stay, and every row reads back as it was", async () => {
  await fill(1_500, first);
  await fill(3, first + day);
  const select = `SELECT * FROM usage WHERE admitted_at_ms < ? ORDER BY id`;
  const before = (
    await DB.prepare(select)
      .bind(first + day)
      .all()
  ).results;
  const sums = [await count("usage_hourly"), await count("usage_daily")];
  nowMs = first + 63 * day - 1;
  expect(await archiveUsage(terms)).toBe(0);
  nowMs = first + 63 * day;
  expect(await archiveUsage(terms)).toBe(3_000);
  expect((await count("usage")).n).toBe(6);
  expect([await count("usage_hourly"), await count("usage_daily")]).toEqual(sums);
  const rows = (await readAll()).toSorted((one, other) => (String(one["id"]) < String(other["id"]) ? -1 : 1));
  expect(Object.keys(rows[0] ?? {})).toEqual(usageColumnNames);
  expect(rows.map((row) => Object.values(row))).toEqual(before.map((row) => Object.values(row)));
  const { results } = await DB.prepare("SELECT day, rows FROM archived_usage").all();
  expect(results).toEqual([{ day: first, rows: 3_000 }]);
});

test("the manifest says what the object holds", async () => {
  await fill(2, first);
  nowMs = first + 90 * day;
  await archiveUsage(terms);
  const { objects } = await bucket.list({ prefix: "usage/2026-01-01/" });
  const [object, manifest] = objects.map(({ key }) => key);
  const said = await (await bucket.get(manifest ?? ""))?.json<Record<string, unknown>>();
  const bytes = await (await bucket.get(object ?? ""))?.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes ?? new ArrayBuffer()));
  expect(said).toEqual({
    object,
    day: "2026-01-01",
    rows: 4,
    bytes: bytes?.byteLength,
    sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    columns: usageColumnNames,
  });
});

test.each([
  ["is not there", async () => null],
  ["has other bytes", async () => ({ arrayBuffer: async () => new TextEncoder().encode("x").buffer })],
])("nothing is deleted while the object %s", async (_, get) => {
  await fill(2, first);
  nowMs = first + 90 * day;
  const broken = { put: bucket.put.bind(bucket), get } as unknown as R2Bucket;
  await expect(archiveUsage({ ...terms, bucket: broken })).rejects.toThrow("does not read back");
  expect((await count("usage")).n).toBe(4);
});

test("a run that died before it deleted is repeated, and its object is the same", async () => {
  await fill(2, first);
  nowMs = first + 90 * day;
  const dying = new Proxy(DB, {
    get: (target, name) =>
      name === "batch"
        ? () => Promise.reject(new Error("died"))
        : (Reflect.get(target, name) as (...given: unknown[]) => unknown).bind(target),
  });
  await expect(archiveUsage({ ...terms, db: dying })).rejects.toThrow("died");
  expect((await count("usage")).n).toBe(4);
  expect(await archiveUsage(terms)).toBe(4);
  expect(await readAll()).toHaveLength(4);
});
