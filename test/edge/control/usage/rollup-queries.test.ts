import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeUsage } from "#edge/adapters/d1/usage.ts";
import { bucketCount, latencyBoundsMs, readLatency } from "#edge/control/usage/latency.ts";
import { Dimension, sumRollUps } from "#edge/control/usage/rollup-queries.ts";
import type { UsageRow } from "#edge/ledger/port.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const startMs = Date.parse("2026-11-01T00:00:00Z");

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.select("INSERT INTO projects (id, org, name, created_at_ms) VALUES ('proj_1', ?, 'One', 1)", world.a.org);
  await world.select("UPDATE keys SET project = 'proj_1', owner = 'user_1' WHERE id = ?", world.a.keyId);
});
afterAll(() => world.close());

const call = fc.record({
  key: fc.constantFrom(0, 1, 2),
  model: fc.constantFrom("qwen-chat", "embedder"),
  tier: fc.constantFrom("shared" as const, "complex" as const),
  endpoint: fc.constantFrom("chat.completions" as const, "embeddings" as const),
  end: fc.constantFrom("completed" as const, "cancelled" as const, "failed" as const, "expired" as const),
  atMs: fc.integer({ min: 0, max: 3 * dayMs - 1 }),
  tookMs: fc.oneof(fc.constantFrom(...latencyBoundsMs), fc.integer({ min: 0, max: 900_000 })),
  ttftMs: fc.option(fc.oneof(fc.constantFrom(...latencyBoundsMs), fc.integer({ min: 0, max: 9_999 }))),
  tokens: fc.integer({ min: 0, max: 1_000_000_000 }),
  costMicros: fc.integer({ min: 0, max: 2 ** 40 }),
  isLate: fc.boolean(),
});
type DrawnCall = typeof call extends fc.Arbitrary<infer T> ? T : never;

let count = 0;
function makeRows(org: string, keys: string[], drawn: DrawnCall): UsageRow[] {
  const hold = `hold_${String(++count).padStart(22, "0")}`;
  const { atMs, tookMs, tokens, isLate, key, ...rest } = drawn;
  const row: UsageRow = {
    ...rest,
    id: hold,
    hold,
    org,
    key: keys[key] ?? "",
    responseId: null,
    promptTokens: tokens,
    cachedTokens: Math.floor(tokens / 2),
    completionTokens: tokens,
    units: 3,
    admittedAtMs: startMs + atMs,
    endedAtMs: startMs + atMs + tookMs,
  };
  return isLate ? [row, { ...row, id: `${hold}:late`, end: "adjusted", ttftMs: 5 }] : [row];
}

function bucketOf(ms: number): number {
  const at = latencyBoundsMs.findIndex((bound) => ms < bound);
  return at === -1 ? bucketCount - 1 : at;
}

function addUp(rows: UsageRow[]) {
  const isCall = ({ id, hold }: UsageRow) => id === hold;
  const sum = (read: (row: UsageRow) => number) => rows.reduce((total, row) => total + read(row), 0);
  const measure = (values: number[]) => {
    const counts = Array.from({ length: bucketCount }, () => 0);
    for (const ms of values) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
    return readLatency(
      counts,
      values.reduce((total, ms) => total + ms, 0),
    );
  };
  return {
    calls: rows.filter(isCall).length,
    failedCalls: rows.filter((row) => isCall(row) && (row.end === "failed" || row.end === "expired")).length,
    promptTokens: sum((row) => row.promptTokens),
    cachedTokens: sum((row) => row.cachedTokens),
    completionTokens: sum((row) => row.completionTokens),
    units: sum((row) => row.units),
    costMicros: sum((row) => row.costMicros),
    duration: measure(
      rows.filter((row) => isCall(row) && row.end !== "expired").map((row) => row.endedAtMs - row.admittedAtMs),
    ),
    ttft: measure(rows.filter(isCall).flatMap(({ ttftMs }) => ttftMs ?? [])),
  };
}

const projectOf = (row: UsageRow) => (row.key === world.a.keyId ? "proj_1" : "");
const memberOf = (row: UsageRow) => (row.key === world.a.keyId ? "user_1" : "");
const readValue: Record<Dimension, (row: UsageRow) => string> = {
  model: (row) => row.model,
  key: (row) => row.key,
  project: projectOf,
  member: memberOf,
  tier: (row) => row.tier,
  endpoint: (row) => row.endpoint,
  outcome: (row) => row.end,
};

it("is the sum of the rows, by hour, by day and by every dimension, whatever is sent again (Q10)", async () => {
  const all: UsageRow[] = [];
  const { org } = world.a;
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(30), { maxLength: 20 }),
      async (drawn, again) => {
        const rows = drawn.flatMap((each) => makeRows(org, [world.a.keyId, world.a.adminId, "key_gone"], each));
        all.push(...rows);
        const repeated = again.flatMap((at) => all[at % all.length] ?? []);
        // As an outbox does that was stopped: some rows twice in one batch, then all of them anew.
        await writeUsage(world.db as never, [...rows, ...repeated], 5_000);
        await writeUsage(world.db as never, rows, 5_000);
      },
    ),
    { numRuns: 12 },
  );
  const whole = { org, fromMs: startMs, toMs: startMs + 3 * dayMs };
  const [sum] = await sumRollUps(world.db, whole, { by: null, group: null, limit: 9 });
  expect(sum).toEqual({ atMs: null, group: null, ...addUp(all) });
  for (const [by, lengthMs] of [
    ["hour", hourMs],
    ["day", dayMs],
  ] as const)
    for (const group of Dimension.options) {
      const found = await sumRollUps(world.db, whole, { by, group, limit: 10_000 });
      const expected = Map.groupBy(all, (row) => {
        return JSON.stringify([Math.floor(row.admittedAtMs / lengthMs) * lengthMs, readValue[group](row)]);
      });
      const shown = new Map(found.map(({ atMs, group: value, ...rest }) => [JSON.stringify([atMs, value]), rest]));
      expect(shown).toEqual(new Map(Array.from(expected, ([key, rows]) => [key, addUp(rows)])));
    }
  // A range that begins and ends within days is put together of both roll-ups.
  const odd = { org, fromMs: startMs + 5 * hourMs, toMs: startMs + 2 * dayMs + 7 * hourMs };
  const isIn = (row: UsageRow) => row.admittedAtMs >= odd.fromMs && row.admittedAtMs < odd.toMs;
  expect(await sumRollUps(world.db, odd, { by: null, group: null, limit: 1 })).toEqual([
    { atMs: null, group: null, ...addUp(all.filter(isIn)) },
  ]);
  const short = { org, fromMs: startMs + 5 * hourMs, toMs: startMs + 9 * hourMs };
  const isShort = (row: UsageRow) => row.admittedAtMs >= short.fromMs && row.admittedAtMs < short.toMs;
  const inShort = all.filter(isShort);
  expect(await sumRollUps(world.db, short, { by: null, group: null, limit: 1 })).toEqual(
    inShort.length === 0 ? [] : [{ atMs: null, group: null, ...addUp(inShort) }],
  );
  const mine = await sumRollUps(world.db, { ...whole, owner: "user_1" }, { by: null, group: null, limit: 1 });
  expect(mine).toEqual([{ atMs: null, group: null, ...addUp(all.filter((row) => row.key === world.a.keyId)) }]);
  expect(await sumRollUps(world.db, { ...whole, owner: "user_2" }, { by: null, group: null, limit: 1 })).toEqual([]);
  const model = { ...whole, model: "embedder" };
  const one = await sumRollUps(world.db, model, { by: null, group: "model", only: [], limit: 5 });
  expect(one).toEqual([{ atMs: null, group: "*", ...addUp(all.filter((row) => row.model === "embedder")) }]);
});
