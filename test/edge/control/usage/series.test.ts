import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

const hourMs = 3_600_000;
const startMs = Date.parse("2026-11-01T00:00:00Z");

let world: World;
beforeAll(async () => {
  world = await openWorld();
  const call = (admittedAtMs: number, rest: object) =>
    insertUsage(world, {
      org: world.a.org,
      key: world.a.keyId,
      admittedAtMs,
      endedAtMs: admittedAtMs + 500,
      ...rest,
    });
  await call(startMs + 1, { ttftMs: 40, costMicros: 3 });
  await call(startMs + 2, { model: "embedder", end: "failed", costMicros: 1 });
  await call(startMs + 2 * hourMs, { ttftMs: 60, costMicros: 4 });
  await call(startMs + 30 * hourMs, { end: "expired", costMicros: 0 });
  await insertUsage(world, { org: world.b.org, key: world.b.keyId, admittedAtMs: startMs });
});
afterAll(() => world.close());

const ask = (query: string, key: string | null = world.a.admin) =>
  world.ask("GET", `/control/orgs/${world.a.org}/usage/series?${query}`, { key });
const range = "from=2026-11-01&to=2026-11-03";
const shown = ({ points }: Json) =>
  points.map(({ at, group, calls, costMicros }: Json) => [at, group, calls, costMicros]);

it("shows hours and days that have calls, and none between them", async () => {
  const { status, body } = await ask(`by=hour&${range}`);
  expect(status).toBe(200);
  expect(shown(body)).toEqual([
    ["2026-11-01T00:00:00.000Z", null, 2, 4],
    ["2026-11-01T02:00:00.000Z", null, 1, 4],
    ["2026-11-02T06:00:00.000Z", null, 1, 0],
  ]);
  expect(body.points[0]).toMatchObject({
    failedCalls: 1,
    promptTokens: 20,
    duration: { calls: 2, meanMs: 500, p50: 523, p99: 628 },
    ttft: { calls: 1, meanMs: 40, p50: 40 },
  });
  expect(body.points[2]).toMatchObject({ failedCalls: 1, duration: null, ttft: null });
  expect(body).toMatchObject({ by: "hour", group: null, from: "2026-11-01T00:00:00.000Z", currency: "EUR" });
  expect(shown((await ask(`by=day&${range}`)).body)).toEqual([
    ["2026-11-01T00:00:00.000Z", null, 3, 8],
    ["2026-11-02T00:00:00.000Z", null, 1, 0],
  ]);
});

it("groups by a dimension, the dearest first, and narrows by any", async () => {
  const { body } = await ask(`by=day&group=model&${range}`);
  expect(body.groups.map(({ group, costMicros }: Json) => [group, costMicros])).toEqual([
    ["qwen-chat", 7],
    ["embedder", 1],
  ]);
  expect(shown(body)[0]).toEqual(["2026-11-01T00:00:00.000Z", "embedder", 1, 1]);
  expect(shown((await ask(`by=day&model=default&outcome=completed&${range}`)).body)).toEqual([
    ["2026-11-01T00:00:00.000Z", null, 2, 7],
  ]);
  expect((await ask(`by=day&group=project&${range}`)).body.groups).toMatchObject([{ group: null, calls: 4 }]);
  expect((await ask(`by=day&project=proj_x&${range}`)).body).toMatchObject({ points: [], groups: [] });
});

it("sums up all but the twenty dearest", async () => {
  const org = await world.openOrg("Many");
  for (let at = 0; at < 23; at++)
    await insertUsage(world, {
      org: org.org,
      key: org.keyId,
      model: `model-${String(at).padStart(2, "0")}`,
      costMicros: 100 - at,
      admittedAtMs: startMs,
    });
  const path = `/control/orgs/${org.org}/usage/series?by=day&group=model&${range}`;
  const { body } = await world.ask("GET", path, { key: org.admin });
  expect(body.points).toHaveLength(21);
  const others = body.groups.find(({ group }: Json) => group === "*");
  expect(others).toMatchObject({ calls: 3, costMicros: 80 + 79 + 78 });
  expect(body.points.find(({ group }: Json) => group === "*")).toMatchObject({ calls: 3 });
});

it("counts the calls of this hour where no range is given", async () => {
  const org = await world.openOrg("Now");
  await insertUsage(world, { org: org.org, key: org.keyId, admittedAtMs: Date.now() });
  const path = `/control/orgs/${org.org}/usage/series?by=hour`;
  expect((await world.ask("GET", path, { key: org.admin })).body.points).toMatchObject([{ calls: 1 }]);
});

it("refuses what makes no sense, a range that is too long, and another's admin", async () => {
  for (const [query, param] of [
    ["", "by"],
    ["by=week", "by"],
    ["by=hour&group=colour", "group"],
    ["by=hour&from=2026-10-01&to=2026-11-02", "from"],
    ["by=day&from=2025-10-01&to=2026-11-02", "from"],
    ["by=day&from=2026-11-02&to=2026-11-02", "from"],
    ["by=day&tier=best", "tier"],
    ["by=day&outcome=done", "outcome"],
  ] as const) {
    const { status, body } = await ask(query);
    expect([query, status, body.error?.code, body.error?.param]).toEqual([query, 400, "invalid_value", param]);
  }
  expect((await ask(`by=day&${range}`, world.b.admin)).body.error.code).toBe("not_found");
});
