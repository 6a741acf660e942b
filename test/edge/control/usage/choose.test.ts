import { afterAll, beforeAll, expect, it } from "vitest";
import { nameGroup } from "#edge/control/usage/choose.ts";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

const ref = "0123456789abcdefABCDEF";
const atMs = Date.parse("2026-11-01T05:30:00Z");

let world: World;
let developer: Awaited<ReturnType<World["signIn"]>>;
beforeAll(async () => {
  world = await openWorld();
  const { org, keyId, adminId } = world.a;
  developer = await world.signIn(org, "developer");
  await world.select("UPDATE keys SET owner = ? WHERE id = ?", developer.user, keyId);
  await insertUsage(world, { org, key: keyId, costMicros: 3, admittedAtMs: atMs });
  await insertUsage(world, { id: `hold_${ref}`, org, key: adminId, costMicros: 40, admittedAtMs: atMs });
});
afterAll(() => world.close());

const path = () => `/control/orgs/${world.a.org}/usage`;
const range = "from=2026-11-01&to=2026-11-02";

it("shows a developer the calls of the keys that they own, wherever usage is shown", async () => {
  const ask = async (rest: string, asking: object = developer) => (await world.ask("GET", path() + rest, asking)).body;
  const admin = { key: world.a.admin };
  for (const [asking, calls, costMicros] of [
    [developer, 1, 3],
    [admin, 2, 43],
  ] as const) {
    expect((await ask(`?${range}`, asking)).totals).toMatchObject({ calls, costMicros });
    expect((await ask(`/summary?by=key&${range}`, asking)).totals).toMatchObject({ calls, costMicros });
    expect((await ask(`/series?by=day&${range}`, asking)).points).toMatchObject([{ calls, costMicros }]);
  }
  expect((await ask(`/series?by=day&group=key&${range}`)).groups).toHaveLength(1);
  expect((await ask(`/calls/hold_${ref}`)).error.code).toBe("not_found");
  expect((await ask(`/calls/hold_${ref}`, admin)).totals.costMicros).toBe(40);
  const answer = await world.app.fetch(
    new Request(`http://edge.test${path()}/export?format=jsonl&${range}`, { headers: developer.headers }),
  );
  expect((await answer.text()).trimEnd().split("\n")).toHaveLength(1);
});

it("rounds a range to whole hours, and says which", async () => {
  const query = "by=hour&from=2026-11-01T05:59:59Z&to=2026-11-01T06:00:01Z";
  const { body } = await world.ask("GET", `${path()}/series?${query}`, { key: world.a.admin });
  expect([body.from, body.to]).toEqual(["2026-11-01T05:00:00.000Z", "2026-11-01T07:00:00.000Z"]);
  expect(body.points).toMatchObject([{ calls: 2 }]);
});

it("calls no project, and nobody, null", () => {
  expect([nameGroup("project", ""), nameGroup("project", "proj_1"), nameGroup(null, null)]).toEqual([
    null,
    "proj_1",
    null,
  ]);
});
