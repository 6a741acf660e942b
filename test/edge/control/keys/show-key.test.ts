import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("shows a key to its org's admin and to operators", async () => {
  const path = `/control/orgs/${world.a.org}/keys/${world.a.keyId}`;
  const own = await world.ask("GET", path, { key: world.a.admin });
  expect([own.status, own.body.id, own.body.name]).toEqual([200, world.a.keyId, "calls"]);
  expect(own.body).not.toHaveProperty("secret");
  expect((await world.ask("GET", path)).text).toBe(own.text);
});
