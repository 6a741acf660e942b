import { expect, it } from "vitest";
import { openHooks } from "#test/edge/control/webhooks/world.ts";

const { place, ask, cause } = openHooks();

it("lists what happened, newest first, by type and time, a page at a time, whoever listened", async () => {
  const key = await cause("one");
  await cause("two");
  await ask("POST", `/keys/${key.id}/revoke`);
  const all = (await ask("GET", "/events")).body.events;
  expect(all.slice(0, 3).map(({ type }: { type: string }) => type)).toEqual(
    expect.arrayContaining(["key.revoked", "key.created"]),
  );
  const revoked = (await ask("GET", "/events?type=key.revoked")).body.events;
  expect(revoked).toMatchObject([{ type: "key.revoked", org: place.world.a.org, data: { key: key.id } }]);
  const page = (await ask("GET", "/events?limit=1")).body;
  const next = (await ask("GET", `/events?limit=1&cursor=${page.nextCursor}`)).body;
  expect(next.events[0].id).not.toBe(page.events[0].id);
  expect((await ask("GET", "/events?to=2020-01-01")).body.events).toEqual([]);
  expect((await ask("GET", "/events?from=yesterday")).status).toBe(400);
});

it("is another org's to nobody, and no viewer's", async () => {
  const { world } = place;
  const path = `/control/orgs/${world.a.org}/events`;
  expect((await world.ask("GET", path, { key: world.b.admin })).status).toBe(404);
  expect((await world.ask("GET", path, await world.signIn(world.a.org, "viewer"))).status).toBe(403);
});
