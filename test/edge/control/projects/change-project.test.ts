import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Asking, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const path = (org: string) => `/control/orgs/${org}/projects`;
const make = async () =>
  (await world.ask("POST", path(world.a.org), { key: world.a.admin, body: { name: "x" } })).body.id as string;
const change = (id: string, body: Json, asking: Asking = { key: world.a.admin }) =>
  world.ask("PATCH", `${path(world.a.org)}/${id}`, { ...asking, body });

it("sets what is named, in force once it has answered", async () => {
  const id = await make();
  await change(id, { limits: { requestsPerMinute: 5, tokensPerDay: 100 } });
  const answer = await change(id, { name: "y", limits: { requestsPerMinute: null }, isArchived: true });
  const limits = { requestsPerMinute: null, tokensPerDay: 100 };
  expect(answer.body).toMatchObject({ name: "y", limits, isArchived: true, version: 3 });
  expect(world.publisher.project(id)).toMatchObject({ limits, isArchived: true, version: 3 });
  expect((await change(id, { limits: null, isArchived: false })).body).toMatchObject({
    limits: null,
    isArchived: false,
  });
  expect(world.publisher.project(id)).toMatchObject({ limits: {}, isArchived: false });
});

it("loses neither of two changes at once, and obeys If-Match", async () => {
  const id = await make();
  const windows = ["requestsPerMinute", "requestsPerHour", "tokensPerDay", "tokensPerMonth"];
  const answers = await Promise.all(windows.map((window) => change(id, { limits: { [window]: 7 } })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(world.publisher.project(id).limits).toEqual(Object.fromEntries(windows.map((window) => [window, 7])));
  const late = await change(id, { name: "z" }, { key: world.a.admin, headers: { "if-match": '"1"' } });
  expect(late.body.error.code).toBe("precondition_failed");
});

it("heals by repeating when the ledger was out of reach", async () => {
  const id = await make();
  world.publisher.fails = () => true;
  expect((await change(id, { isArchived: true })).status).toBe(503);
  world.publisher.fails = () => false;
  expect(world.publisher.project(id).isArchived).toBe(false);
  expect((await change(id, { isArchived: true })).status).toBe(200);
  expect(world.publisher.project(id).isArchived).toBe(true);
});

it("refuses nothing to change, bad values, another org's project and who may not", async () => {
  const id = await make();
  expect((await change(id, {})).status).toBe(400);
  expect((await change(id, { isArchived: 1 })).body.error.param).toBe("isArchived");
  expect((await change(id, { name: "y" }, { key: world.b.admin })).status).toBe(404);
  const foreign = `${path(world.b.org)}/${id}`;
  expect((await world.ask("PATCH", foreign, { key: world.b.admin, body: { name: "y" } })).status).toBe(404);
  expect((await change(id, { name: "y" }, await world.signIn(world.a.org, "viewer"))).status).toBe(403);
});
