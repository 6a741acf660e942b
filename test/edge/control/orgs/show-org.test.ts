import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("shows an org to its admin and to operators", async () => {
  const own = await world.ask("GET", `/control/orgs/${world.a.org}`, { key: world.a.admin });
  expect([own.status, own.body.id, own.body.name]).toEqual([200, world.a.org, "Org A"]);
  expect((await world.ask("GET", `/control/orgs/${world.a.org}`)).text).toBe(own.text);
  expect((await world.ask("GET", `/control/orgs/${world.operator.org}`)).body.isOperator).toBe(true);
});

it("does not know an org that is not there", async () => {
  expect((await world.ask("GET", "/control/orgs/org_0000000000")).body.error.code).toBe("not_found");
});
