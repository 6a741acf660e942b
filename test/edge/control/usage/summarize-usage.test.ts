import { afterAll, beforeAll, expect, it } from "vitest";
import { badSessions, insertUsage, openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

const dayMs = 86_400_000;
const startMs = Date.parse("2026-11-01T00:00:00Z");

let world: World;
let otherKey: string;
beforeAll(async () => {
  world = await openWorld();
  const made = await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { body: { name: "other" } });
  otherKey = made.body.id;
  const row = (at: number, key: string, model: string, admittedAtMs: number) =>
    insertUsage(world, { id: `hold_${String(at).padStart(22, "0")}`, org: world.a.org, key, model, admittedAtMs });
  await row(0, world.a.keyId, "qwen-chat", startMs);
  await row(1, world.a.keyId, "embedder", startMs + dayMs - 1);
  await row(2, otherKey, "qwen-chat", startMs + dayMs);
  await row(3, otherKey, "qwen-chat", startMs + dayMs);
  await insertUsage(world, {
    id: `hold_${"0".repeat(22)}:late`,
    org: world.a.org,
    key: world.a.keyId,
    promptTokens: 0,
    completionTokens: 3,
    costMicros: 1,
    admittedAtMs: startMs,
  });
  await insertUsage(world, { org: world.b.org, key: world.b.keyId, admittedAtMs: startMs });
});
afterAll(() => world.close());

const range = "from=2026-11-01&to=2026-11-03";
const sum = (query: string, key: string | null = world.a.admin) =>
  world.ask("GET", `/control/orgs/${world.a.org}/usage/summary?${query}`, { key });
const shown = ({ groups }: Json) => groups.map((row: Json) => [row.group, row.calls, row.costMicros]);

it("sums by UTC day, by key and by model, of this org alone; what came late adds cost and no call", async () => {
  const byDay = await sum(`by=day&${range}`);
  expect(byDay.status).toBe(200);
  expect(shown(byDay.body)).toEqual([
    ["2026-11-01", 2, 11],
    ["2026-11-02", 2, 10],
  ]);
  expect(byDay.body).toMatchObject({
    by: "day",
    from: "2026-11-01T00:00:00.000Z",
    to: "2026-11-03T00:00:00.000Z",
    isTruncated: false,
    currency: "EUR",
    totals: {
      calls: 4,
      failedCalls: 0,
      promptTokens: 40,
      cachedTokens: 0,
      completionTokens: 83,
      units: 0,
      costMicros: 21,
    },
  });
  expect(byDay.body.groups[0]).toMatchObject({ promptTokens: 20, cachedTokens: 0, completionTokens: 43 });
  expect(shown((await sum(`by=key&${range}`)).body)).toEqual([
    [world.a.keyId, 2, 11],
    [otherKey, 2, 10],
  ]);
  expect(shown((await sum(`by=model&${range}`)).body)).toEqual([
    ["qwen-chat", 3, 16],
    ["embedder", 1, 5],
  ]);
});

it("narrows by key, and by a model's alias as by its id", async () => {
  expect(shown((await sum(`by=day&${range}&key=${otherKey}`)).body)).toEqual([["2026-11-02", 2, 10]]);
  const byId = await sum(`by=day&${range}&model=qwen-chat`);
  expect(byId.body.totals.calls).toBe(3);
  expect((await sum(`by=day&${range}&model=default`)).body).toEqual(byId.body);
});

it("sums exactly beyond what 32 bits hold", async () => {
  const org = await world.openOrg("Big");
  const costMicros = 4_503_599_627_370_495;
  for (const at of [1, 2]) await insertUsage(world, { org: org.org, key: org.keyId, costMicros, admittedAtMs: at });
  const { body } = await world.ask(
    "GET",
    `/control/orgs/${org.org}/usage/summary?by=day&from=1970-01-01&to=1970-01-02`,
  );
  expect(body.totals.costMicros).toBe(9_007_199_254_740_990);
  expect(body.groups[0].costMicros).toBe(9_007_199_254_740_990);
});

it("covers the last 30 days when no range is given, this moment's call too", async () => {
  const org = await world.openOrg("Now");
  await insertUsage(world, { org: org.org, key: org.keyId, admittedAtMs: Date.now() - 30 * dayMs });
  await insertUsage(world, { org: org.org, key: org.keyId, admittedAtMs: Date.now() - 31 * dayMs - 1 });
  await insertUsage(world, { org: org.org, key: org.keyId, admittedAtMs: Date.now() });
  const { body } = await world.ask("GET", `/control/orgs/${org.org}/usage/summary?by=day`);
  expect(body.totals.calls).toBe(2);
  expect(body.from).toMatch(/T00:00:00\.000Z$/);
});

it("refuses a query that makes no sense, and a range of more than 366 days", async () => {
  for (const [query, param] of [
    ["", "by"],
    ["by=hour", "by"],
    ["by=day&by=key", "by"],
    ["by=day&from=yesterday", "from"],
    ["by=day&from=2026-11-02&to=2026-11-02", "from"],
    ["by=day&from=2025-11-01&to=2026-11-03", "from"],
    ["by=day&key=key_x", "key"],
    ["by=day&org=org_0000000000", "org"],
    ["by=day&limit=10", "limit"],
  ] as const) {
    const { status, body } = await sum(query);
    expect([query, status, body.error?.code, body.error?.param]).toEqual([query, 400, "invalid_value", param]);
  }
  expect((await sum("by=day&from=2025-11-02&to=2026-11-03")).status).toBe(200);
});

it("refuses every credential that is no good, and hides the org from another's admin", async () => {
  const refused = await badSessions(world, (key) => sum(`by=day&${range}`, key));
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
  expect((await sum(`by=day&${range}`, world.b.admin)).body.error.code).toBe("not_found");
  expect((await sum(`by=day&${range}`, world.operator.key)).status).toBe(200);
});
