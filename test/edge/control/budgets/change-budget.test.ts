import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";
import { readTold, spend } from "./budgets.ts";

let world: World;
let path: string;
beforeAll(async () => {
  world = await openWorld();
  const asking = { key: world.a.admin, body: { amountMicros: 1_000, sharesPercent: [50] } };
  const made = await world.ask("POST", `/control/orgs/${world.a.org}/budgets`, asking);
  path = `/control/orgs/${world.a.org}/budgets/${made.body.id}`;
});
afterAll(() => world.close());

const change = (body: object, key: string | null = world.a.admin) => world.ask("PATCH", path, { key, body });

it("tells the shares of a new amount anew, and those of an old one never twice", async () => {
  await spend(world, world.a.org, world.a.keyId, 600);
  const told = async () => (await readTold(world, world.a.org)).map((each) => [each.sharePercent, each.amountMicros]);
  expect(await told()).toEqual([[50, 1_000]]);
  expect((await change({ amountMicros: 2_000 })).body).toMatchObject({ amountMicros: 2_000, spentMicros: 600 });
  expect(await told()).toEqual([[50, 1_000]]);
  await change({ sharesPercent: [20, 50] });
  await change({ sharesPercent: [20, 50, 90] });
  expect(await told()).toEqual([
    [50, 1_000],
    [20, 2_000],
  ]);
  await change({ amountMicros: 1_000, sharesPercent: [50] });
  expect(await told()).toHaveLength(2);
});

it("loses none of many changes at once", async () => {
  const changes = [{ amountMicros: 3_000 }, { sharesPercent: [40] }, { isStop: true }];
  const answers = await Promise.all(changes.map((body) => change(body)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const [budget] = (await world.ask("GET", `/control/orgs/${world.a.org}/budgets`)).body.budgets;
  expect(budget).toMatchObject(Object.assign({}, ...changes));
  expect(world.publisher.org(world.a.org).limits.costMicrosPerMonth).toBe(3_000);
  await change({ amountMicros: 1_000, sharesPercent: [50], isStop: false });
});

it("audits what differs, and refuses nothing, what is no budget, and another org's admin", async () => {
  await change({ isStop: false, amountMicros: 1_001 });
  const [row] = await world.select(
    "SELECT before, after FROM audit WHERE org = ? ORDER BY seq DESC LIMIT 1",
    world.a.org,
  );
  expect([JSON.parse(row?.before), JSON.parse(row?.after)]).toEqual([{ amountMicros: 1_000 }, { amountMicros: 1_001 }]);
  expect((await change({})).status).toBe(400);
  expect((await change({ amountMicros: -1 })).body.error.param).toBe("amountMicros");
  expect((await change({ amountMicros: 5 }, world.b.admin)).body.error.code).toBe("not_found");
  const other = `/control/orgs/${world.b.org}/budgets/${path.split("/").at(-1)}`;
  const asking = { key: world.b.admin, body: { amountMicros: 5 } };
  expect((await world.ask("PATCH", other, asking)).body.error.code).toBe("not_found");
  expect((await world.ask("DELETE", other, { key: world.b.admin })).body.error.code).toBe("not_found");
  expect((await world.ask("DELETE", path, { key: world.a.admin })).status).toBe(200);
  expect((await world.ask("DELETE", path, { key: world.a.admin })).body.error.code).toBe("not_found");
});
