import { expect, it } from "vitest";
import { openHooks } from "./world.ts";

const { place, ask, hook, cause } = openHooks();

it("is gone with its log, and nothing on its way to it is sent; events stay", async () => {
  const { id } = await hook();
  await cause();
  const answer = await ask("DELETE", `/webhooks/${id}`);
  expect([answer.status, answer.body]).toEqual([200, { id, isDeleted: true }]);
  await place.world.deliver();
  expect(place.world.web.posted).toEqual([]);
  for (const path of [`/webhooks/${id}`, `/webhooks/${id}/deliveries`])
    expect((await ask("GET", path)).status).toBe(404);
  expect((await ask("DELETE", `/webhooks/${id}`)).status).toBe(404);
  expect((await ask("GET", "/events?type=key.created")).body.events.length).toBeGreaterThan(0);
  const actions = await place.world.select("SELECT action FROM audit WHERE target = ? ORDER BY seq", id);
  expect(actions.map(({ action }) => action)).toEqual(["webhook.created", "webhook.deleted"]);
});

it("is refused to another org, and to who may not", async () => {
  const { id } = await hook();
  const { world } = place;
  const path = (org: string) => `/control/orgs/${org}/webhooks/${id}`;
  expect((await world.ask("DELETE", path(world.b.org), { key: world.b.admin })).status).toBe(404);
  const billing = await world.signIn(world.a.org, "billing");
  expect((await world.ask("DELETE", path(world.a.org), { ...billing, body: {} })).status).toBe(403);
});
