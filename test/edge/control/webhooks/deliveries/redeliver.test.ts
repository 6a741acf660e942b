import { expect, it } from "vitest";
import { openHooks, url } from "../world.ts";

const { place, ask, hook, cause, deliveries } = openHooks();
const nobody = `dlv_${"0".repeat(22)}`;

it("sends the same event once more, under the same id, as a delivery of its own", async () => {
  const { id } = await hook();
  await cause();
  place.world.web.answer = () => ({ status: 503, excerpt: "later" });
  await place.world.deliver();
  const [failed] = await deliveries(id);
  place.world.web.answer = () => ({ status: 200, excerpt: "" });
  const again = await ask("POST", `/deliveries/${failed.id}/redeliver`);
  expect([again.status, again.body.event, again.body.id === failed.id]).toEqual([202, failed.event, false]);
  await place.world.deliver();
  const [one, two] = place.world.web.posted;
  expect([one?.body, one?.headers["webhook-id"]]).toEqual([two?.body, two?.headers["webhook-id"]]);
  const log = await deliveries(id);
  expect(log.map(({ status }) => status).toSorted()).toEqual(["delivered", "pending"]);
  const pending = (await ask("GET", `/webhooks/${id}/deliveries?status=pending`)).body.deliveries;
  expect(pending.map((row: { id: string }) => row.id)).toEqual([failed.id]);
});

it("shows what is sent to the letter, and how the answer began, in bounds", async () => {
  const { id } = await hook();
  await cause("shown");
  place.world.web.answer = () => ({ status: 500, excerpt: "x".repeat(4_096) });
  await place.world.deliver();
  const [{ id: delivery }] = await deliveries(id);
  const { body } = await ask("GET", `/deliveries/${delivery}`);
  expect(body.requestBody).toBe(place.world.web.posted[0]?.body);
  expect([body.responseExcerpt, body.lastCode, body.webhook]).toEqual(["x".repeat(1_000), 500, id]);
  expect((await deliveries(id))[0].responseExcerpt).toBeUndefined();
});

it("refuses what is off, unknown, another org's, and who may not", async () => {
  const { id } = await hook();
  await cause();
  const [{ id: delivery }] = await deliveries(id);
  const { world } = place;
  const their = (method: string, path: string, key: string) =>
    world.ask(method, `/control/orgs/${world.b.org}${path}`, { key });
  for (const [method, path] of [
    ["GET", `/deliveries/${delivery}`],
    ["POST", `/deliveries/${delivery}/redeliver`],
    ["GET", `/webhooks/${id}/deliveries`],
    ["POST", `/webhooks/${id}/test`],
  ] as const)
    expect([path, (await their(method, path, world.b.admin)).status]).toEqual([path, 404]);
  expect((await ask("POST", `/deliveries/${nobody}/redeliver`)).status).toBe(404);
  expect((await ask("GET", `/deliveries/${nobody}`)).status).toBe(404);
  const viewer = await world.signIn(world.a.org, "viewer");
  const own = `/control/orgs/${world.a.org}/deliveries/${delivery}/redeliver`;
  expect((await world.ask("POST", own, { ...viewer, body: {} })).status).toBe(403);
  await ask("PATCH", `/webhooks/${id}`, { isEnabled: false });
  expect((await ask("POST", `/deliveries/${delivery}/redeliver`)).body.error.code).toBe("conflict");
  expect((await ask("POST", `/webhooks/${id}/test`)).body.error.code).toBe("conflict");
  expect((await ask("GET", `/webhooks/${id}/deliveries?status=lost`)).status).toBe(400);
});

it("tests one webhook, whatever it listens for, and no other", async () => {
  const tested = await hook({ types: ["key.revoked"] });
  const other = await hook({ url: `${url}/other` });
  const answer = await ask("POST", `/webhooks/${tested.id}/test`);
  expect([answer.status, answer.body.type, answer.body.status]).toEqual([202, "webhook.test", "pending"]);
  await place.world.deliver();
  expect(place.world.web.posted.map((one) => [one.url, JSON.parse(one.body).data])).toEqual([
    [url, { webhook: tested.id }],
  ]);
  expect(await deliveries(other.id)).toEqual([]);
});

it("is listed a page at a time", async () => {
  const { id } = await hook();
  for (const name of ["a", "b", "c"]) await cause(name);
  const first = (await ask("GET", `/webhooks/${id}/deliveries?limit=2`)).body;
  const second = (await ask("GET", `/webhooks/${id}/deliveries?limit=2&cursor=${first.nextCursor}`)).body;
  expect([first.deliveries.length, second.deliveries.length, second.nextCursor]).toEqual([2, 1, null]);
});
