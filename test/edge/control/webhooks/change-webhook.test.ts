import { expect, it } from "vitest";
import { openHooks, url } from "./world.ts";

const { place, ask, hook, cause } = openHooks();

it("sets what is named and leaves the rest; the audit tells what has changed", async () => {
  const { id } = await hook({ types: ["key.created"] });
  const answer = await ask("PATCH", `/webhooks/${id}`, { description: "new", types: null });
  expect(answer.body).toMatchObject({ url, description: "new", types: null, isEnabled: true, version: 2 });
  const [entry] = await place.world.select("SELECT * FROM audit WHERE action = 'webhook.changed' AND target = ?", id);
  expect(JSON.parse(entry?.["after"])).toEqual({ description: "new", types: null });
});

it("asks of a new URL what it asks of a first one (S11)", async () => {
  const { id } = await hook();
  for (const hostile of ["https://127.0.0.1/", "http://hooks.example.test/", "https://unknown.example.test/"])
    expect((await ask("PATCH", `/webhooks/${id}`, { url: hostile })).body.error.param).toBe("url");
  expect((await ask("GET", `/webhooks/${id}`)).body.version).toBe(1);
});

it("is changed by whoever has read it last, where they say which version they read", async () => {
  const { id } = await hook();
  const { world } = place;
  const path = `/control/orgs/${world.a.org}/webhooks/${id}`;
  const etag = (await ask("GET", `/webhooks/${id}`)).headers.get("etag") ?? "";
  const change = () =>
    world.ask("PATCH", path, { key: world.a.admin, body: { description: "x" }, headers: { "if-match": etag } });
  expect([(await change()).status, (await change()).status]).toEqual([200, 412]);
});

it("loses none of many changes at once", async () => {
  const { id } = await hook();
  const changes = [{ description: "new" }, { types: ["key.leaked"] }, { isEnabled: false }];
  const answers = await Promise.all(changes.map((change) => ask("PATCH", `/webhooks/${id}`, change)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await ask("GET", `/webhooks/${id}`)).body).toMatchObject({ ...Object.assign({}, ...changes), version: 4 });
});

it("switched off gets nothing, switched on gets what happens from then on", async () => {
  const { id } = await hook();
  await ask("PATCH", `/webhooks/${id}`, { isEnabled: false });
  await cause("unheard");
  await place.world.deliver();
  await ask("PATCH", `/webhooks/${id}`, { isEnabled: true });
  await cause("heard");
  await place.world.deliver();
  expect(place.world.web.posted.map(({ body }) => JSON.parse(body).data.name)).toEqual(["heard"]);
});

it("refuses an empty change, an unknown webhook, another org's, and who may not", async () => {
  const { id } = await hook();
  const { world } = place;
  expect((await ask("PATCH", `/webhooks/${id}`, {})).status).toBe(400);
  expect((await ask("PATCH", `/webhooks/wh_${"0".repeat(22)}`, { description: "x" })).status).toBe(404);
  const path = `/control/orgs/${world.b.org}/webhooks/${id}`;
  expect((await world.ask("PATCH", path, { key: world.b.admin, body: { description: "x" } })).status).toBe(404);
  const own = `/control/orgs/${world.a.org}/webhooks/${id}`;
  const developer = await world.signIn(world.a.org, "developer");
  expect((await world.ask("PATCH", own, { ...developer, body: { description: "x" } })).status).toBe(403);
});
