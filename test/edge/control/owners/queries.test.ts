import { afterAll, beforeAll, expect, it } from "vitest";
import { areAsPlanned, endKeys, planEnding, selectEnded } from "#edge/control/owners/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("plans with an owner's keys as they are, and knows when they are others", async () => {
  const { user, ...asking } = await world.signIn(world.a.org, "admin");
  const make = (kind: string) =>
    world.ask("POST", `/control/orgs/${world.a.org}/keys`, { ...asking, body: { name: "x", kind } });
  const admin = (await make("admin")).body.id;
  const inference = (await make("inference")).body.id;
  const of = { org: world.a.org, owner: user, onlyAdmin: false };
  const ending = await planEnding(world.db, of);
  expect(ending.ids).toEqual([admin, inference].toSorted());
  expect((await planEnding(world.db, { ...of, onlyAdmin: true })).ids).toEqual([admin]);
  expect((await planEnding(world.db, { ...of, org: world.b.org })).ids).toEqual([]);
  const { sql, values } = areAsPlanned(ending);
  const holds = async () => (await world.select(`SELECT ${sql} AS holds`, ...values))[0]?.["holds"];
  expect(await holds()).toBe(1);
  await make("inference");
  expect(await holds()).toBe(0);
});

it("revokes nothing without its entry", async () => {
  const { user, ...asking } = await world.signIn(world.a.org, "developer");
  await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { ...asking, body: { name: "x" } });
  const of = { org: world.a.org, owner: user, onlyAdmin: false };
  await endKeys(world.db, of, Date.now(), { org: world.a.org, seq: 1, hash: "x" }).run();
  expect(await selectEnded(world.db, of, Date.now())).toEqual([]);
});

it("finds an owner's keys by an index", async () => {
  const plan = await world.select(
    `EXPLAIN QUERY PLAN SELECT id FROM keys WHERE org = ? AND owner = ? AND (? = 0 OR kind = 'admin')
       AND revoked_at_ms IS NULL ORDER BY id`,
    world.a.org,
    "x",
    0,
  );
  expect(plan[0]?.["detail"]).toMatch(/^SEARCH keys USING INDEX keys_by_owner/);
});
