import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
let path: string;
beforeAll(async () => {
  world = await openWorld();
  const accounts = `/control/orgs/${world.a.org}/service-accounts`;
  const { body } = await world.ask("POST", accounts, { key: world.a.admin, body: { name: "Batch" } });
  path = `${accounts}/${body.id}`;
});
afterAll(() => world.close());

const rename = (name: string, asking: object = { key: world.a.admin }) =>
  world.ask("PATCH", path, { ...asking, body: { name } });

it("sets its name, and the log tells both", async () => {
  expect((await rename("Nightly")).body).toMatchObject({ name: "Nightly", removedAt: null });
  const [entry] = await world.select("SELECT * FROM audit WHERE action = 'service_account.changed'");
  expect([JSON.parse(entry?.["before"]), JSON.parse(entry?.["after"])]).toEqual([
    { name: "Batch" },
    { name: "Nightly" },
  ]);
});

it("comes through however many rename it at once", async () => {
  const names = ["a", "b", "c", "d"];
  const answers = await Promise.all(names.map((name) => rename(name)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const entries = await world.select("SELECT * FROM audit WHERE action = 'service_account.changed'");
  expect(entries).toHaveLength(5);
});

it("is a missing one to another org, forbidden to who may not, and stays as it was once it is removed", async () => {
  const other = path.replace(world.a.org, world.b.org);
  expect((await world.ask("PATCH", other, { key: world.b.admin, body: { name: "x" } })).status).toBe(404);
  expect((await rename("x", await world.signIn(world.a.org, "developer"))).status).toBe(403);
  await world.ask("DELETE", path, { key: world.a.admin, body: {} });
  expect((await rename("x")).body.error.code).toBe("conflict");
});
