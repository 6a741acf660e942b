import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { publishLeft } from "#edge/control/publishing/publish-left.ts";
import { markPublished, selectUnpublished } from "#edge/control/publishing/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());
afterEach(() => void (world.publisher.fails = () => false));

const inOrg = (path = "") => `/control/orgs/${world.a.org}${path}`;
const show = async (path = "") => (await world.ask("GET", inOrg(path))).body;

it("brings into force what was stored while the ledger was out of reach, and says so until then", async () => {
  const project = (await world.ask("POST", inOrg("/projects"), { body: { name: "x" } })).body;
  const key = `/keys/${world.a.keyId}`;
  expect([project.isPublished, (await show()).isPublished, (await show(key)).state]).toEqual([true, true, "active"]);

  world.publisher.fails = () => true;
  const asked = [
    await world.ask("POST", inOrg(`${key}/revoke`)),
    await world.ask("PATCH", inOrg(), { body: { isSuspended: true } }),
    await world.ask("PATCH", inOrg(`/projects/${project.id}`), { body: { isArchived: true } }),
  ];
  expect(asked.map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(await show(key)).toMatchObject({ state: "revoking", isPublished: false });
  expect(await show()).toMatchObject({ isSuspended: true, isPublished: false });
  expect(await show(`/projects/${project.id}`)).toMatchObject({ isArchived: true, isPublished: false });
  await expect(publishLeft(world.db, world.publisher)).rejects.toThrow("out of reach");
  expect(await show(key)).toMatchObject({ state: "revoking" });

  world.publisher.fails = () => false;
  await publishLeft(world.db, world.publisher);
  expect(await show(key)).toMatchObject({ state: "revoked", isPublished: true });
  expect(await show()).toMatchObject({ isSuspended: true, isPublished: true });
  expect(await show(`/projects/${project.id}`)).toMatchObject({ isArchived: true, isPublished: true });
  expect(world.publisher.key(world.a.keyId).isRevoked).toBe(true);
  expect(world.publisher.org(world.a.org).isSuspended).toBe(true);
  expect(world.publisher.project(project.id).isArchived).toBe(true);

  const { published } = world.publisher;
  const before = published.length;
  await publishLeft(world.db, world.publisher);
  expect(published).toHaveLength(before);
});

it("lets one record that fails keep no other back", async () => {
  const { id } = (await world.ask("POST", "/control/orgs", { body: { name: "x" } })).body;
  world.publisher.fails = () => true;
  for (const org of [world.b.org, id])
    await world.ask("PATCH", `/control/orgs/${org}`, { body: { isSuspended: true } });
  world.publisher.fails = (record) => record.id === world.b.org;
  await expect(publishLeft(world.db, world.publisher)).rejects.toThrow("out of reach");
  expect(world.publisher.org(id).isSuspended).toBe(true);
  expect((await selectUnpublished(world.db, 10)).map((record) => record.id)).toEqual([world.b.org]);
});

it("notes the later of two versions, whichever is noted last", async () => {
  const known = { kind: "org", id: world.b.org, version: 1 } as const;
  await world.ask("PATCH", `/control/orgs/${world.b.org}`, { body: { name: "y" } });
  await markPublished(world.db, known).run();
  expect((await world.ask("GET", `/control/orgs/${world.b.org}`)).body.isPublished).toBe(true);
});
