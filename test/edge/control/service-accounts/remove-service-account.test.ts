import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Asking, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const path = (org = world.a.org) => `/control/orgs/${org}/service-accounts`;
const create = (body: Json, asking: Asking = { key: world.a.admin }) => world.ask("POST", path(), { ...asking, body });
const remove = (id: string, asking: Asking = { key: world.a.admin }) => world.ask("DELETE", `${path()}/${id}`, asking);
const makeKey = (body: Json, asking: Asking = { key: world.a.admin }) =>
  world.ask("POST", `/control/orgs/${world.a.org}/keys`, { ...asking, body: { name: "x", ...body } });

it("makes, lists and removes them, and their keys go with them (P4)", async () => {
  const projects = `/control/orgs/${world.a.org}/projects`;
  const project = (await world.ask("POST", projects, { key: world.a.admin, body: { name: "x" } })).body.id;
  const made = await create({ name: "crawler", project });
  expect([made.status, made.body]).toEqual([
    201,
    expect.objectContaining({ name: "crawler", project, removedAt: null }),
  ]);
  const { id } = made.body;
  const key = (await makeKey({ owner: id })).body;
  expect(key).toMatchObject({ owner: id, project });
  expect(world.publisher.key(key.id).project).toBe(project);
  const other = (await makeKey({ owner: id, project: null })).body;
  expect(other.project).toBeNull();
  const developer = await world.signIn(world.a.org, "developer");
  const listed = (await world.ask("GET", `${path()}?limit=1`, developer)).body;
  expect(listed.serviceAccounts.map(({ id: each }: Json) => each)).toEqual([id]);
  const removed = await remove(id);
  expect([removed.status, removed.body.removedAt]).toEqual([200, expect.any(String)]);
  for (const each of [key, other]) expect(world.publisher.key(each.id).isRevoked).toBe(true);
  const [entry] = await world.select(
    "SELECT after FROM audit WHERE target = ? AND action = 'service_account.removed'",
    id,
  );
  expect(JSON.parse(entry?.["after"])).toEqual({ revokedKeys: [key.id, other.id].toSorted() });
  expect((await makeKey({ owner: id })).body.error.param).toBe("owner");
  expect((await remove(id)).body).toEqual(removed.body);
});

it("heals by repeating when the ledger was out of reach, and leaves no key made at the same moment", async () => {
  const { id } = (await create({ name: "x" })).body;
  const key = (await makeKey({ owner: id })).body;
  world.publisher.fails = (record) => record.id === key.id;
  expect((await remove(id)).status).toBe(503);
  world.publisher.fails = () => false;
  expect((await remove(id)).status).toBe(200);
  expect(world.publisher.key(key.id).isRevoked).toBe(true);
  const second = (await create({ name: "y" })).body.id;
  await Promise.all([makeKey({ owner: second }), remove(second), makeKey({ owner: second }), remove(second)]);
  const left = await world.select("SELECT id FROM keys WHERE owner = ? AND revoked_at_ms IS NULL", second);
  expect(left).toEqual([]);
});

it("refuses bad bodies, projects that are none, other orgs and who may not", async () => {
  expect((await create({})).body.error.param).toBe("name");
  expect((await create({ name: "x", project: "proj_0000000000000000000000" })).body.error.param).toBe("project");
  const { id } = (await create({ name: "x" })).body;
  expect((await create({ name: "x" }, { key: world.b.admin })).status).toBe(404);
  expect((await world.ask("DELETE", `${path(world.b.org)}/${id}`, { key: world.b.admin })).status).toBe(404);
  const developer = await world.signIn(world.a.org, "developer");
  expect([(await create({ name: "x" }, developer)).status, (await remove(id, developer)).status]).toEqual([403, 403]);
  const billing = await world.signIn(world.a.org, "billing");
  expect((await world.ask("GET", path(), billing)).status).toBe(403);
});
