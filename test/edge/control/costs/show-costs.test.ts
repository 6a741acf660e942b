import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
const { org, key } = { org: () => world.a.org, key: () => world.a.keyId };
beforeAll(async () => {
  world = await openWorld();
  const row = { org: org(), key: key() };
  await insertUsage(world, { ...row, costMicros: 10, admittedAtMs: Date.UTC(2026, 0, 1) });
  await insertUsage(world, { ...row, costMicros: 20, admittedAtMs: Date.UTC(2026, 0, 31, 23), model: "embedder" });
  await insertUsage(world, { ...row, costMicros: 40, admittedAtMs: Date.UTC(2026, 1, 1) });
  await insertUsage(world, { ...row, costMicros: 500, admittedAtMs: Date.now() });
});
afterAll(() => world.close());

const ask = (query: string, asking: object = { key: world.a.admin }) =>
  world.ask("GET", `/control/orgs/${org()}/costs?${query}`, asking);

it("shows what a month has cost, day by day and by what it went on", async () => {
  const { status, body } = await ask("month=2026-01");
  expect(status).toBe(200);
  expect(body).toEqual({
    month: "2026-01",
    spentMicros: 30,
    forecastMicros: 30,
    budgets: [],
    days: [
      { at: "2026-01-01T00:00:00.000Z", calls: 1, costMicros: 10 },
      { at: "2026-01-31T00:00:00.000Z", calls: 1, costMicros: 20 },
    ],
    group: "model",
    groups: [
      { group: "embedder", calls: 1, costMicros: 20 },
      { group: "qwen-chat", calls: 1, costMicros: 10 },
    ],
    isTruncated: false,
    currency: "EUR",
  });
  expect((await ask("month=2026-01&group=project")).body.groups).toEqual([{ group: null, calls: 2, costMicros: 30 }]);
});

it("is this month's where none is named, with its forecast and its budgets", async () => {
  await world.ask("POST", `/control/orgs/${org()}/budgets`, { key: world.a.admin, body: { amountMicros: 1_000 } });
  const { body } = await ask("");
  expect(body).toMatchObject({ spentMicros: 500, budgets: [{ amountMicros: 1_000, spentMicros: 500 }] });
  expect(body.forecastMicros).toBeGreaterThanOrEqual(500);
});

it("refuses no month, developers and viewers, and hides the org from another's admin", async () => {
  for (const query of ["month=2026-13", "group=colour", "x=1"])
    expect([query, (await ask(query)).status]).toEqual([query, 400]);
  for (const role of ["developer", "viewer"] as const)
    expect((await ask("", await world.signIn(org(), role))).body.error.code).toBe("insufficient_permissions");
  expect((await ask("", await world.signIn(org(), "billing"))).status).toBe(200);
  expect((await ask("", { key: world.b.admin })).body.error.code).toBe("not_found");
});
