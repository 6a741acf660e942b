import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorld, type Asking, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const keys = (org = world.a.org) => `/control/orgs/${org}/keys`;
const create = (body: Json, asking: Asking = { key: world.a.admin }) =>
  world.ask("POST", keys(), { ...asking, body: { name: "x", ...body } });
const change = (id: string, body: Json, asking: Asking = { key: world.a.admin }) =>
  world.ask("PATCH", `${keys()}/${id}`, { ...asking, body });
const makeProject = async (org = world.a.org) =>
  (await world.ask("POST", `/control/orgs/${org}/projects`, { body: { name: "x" } })).body.id as string;

describe("whose a key is", () => {
  it("is the member's who makes it, and nobody's of a key or an operator", async () => {
    const developer = await world.signIn(world.a.org, "developer");
    const operator = await world.signIn(null, "viewer", { isOperator: true });
    expect((await create({}, developer)).body.owner).toBe(developer.user);
    expect((await create({})).body.owner).toBeNull();
    expect((await create({}, operator)).body.owner).toBeNull();
    const owner = await world.signIn(world.a.org, "owner");
    expect((await create({ owner: developer.user }, owner)).body.owner).toBe(developer.user);
    expect((await create({ owner: null }, owner)).body.owner).toBeNull();
    const mine = (await world.ask("GET", `${keys()}?owner=${developer.user}`, owner)).body.keys;
    expect(mine.map((key: Json) => key.owner)).toEqual([developer.user, developer.user]);
  });

  it("is for who reaches all keys to choose, among the org's own", async () => {
    const developer = await world.signIn(world.a.org, "developer");
    const viewer = await world.signIn(world.a.org, "viewer");
    const stranger = await world.signIn(world.b.org, "viewer");
    expect((await create({ owner: viewer.user }, developer)).status).toBe(403);
    expect((await create({ owner: developer.user }, developer)).status).toBe(201);
    const { id } = (await create({}, developer)).body;
    expect((await change(id, { owner: viewer.user }, developer)).status).toBe(403);
    expect((await change(id, { owner: null }, developer)).status).toBe(403);
    for (const owner of [stranger.user, "user_0000000000000000000000", "sa_0000000000000000000000", "x"])
      expect((await create({ owner })).body.error.param).toBe("owner");
    expect((await change(id, { owner: stranger.user })).body.error.param).toBe("owner");
    expect((await change(id, { owner: viewer.user })).body).toMatchObject({ owner: viewer.user, version: 2 });
    expect((await world.ask("GET", `${keys()}/${id}`, developer)).status).toBe(404);
  });

  it("is somebody in charge, of an admin key", async () => {
    const owner = await world.signIn(world.a.org, "owner");
    const developer = await world.signIn(world.a.org, "developer");
    const refused = await create({ kind: "admin", owner: developer.user }, owner);
    expect(refused.body.error.param).toBe("owner");
    expect((await create({ kind: "admin", owner: owner.user }, owner)).status).toBe(201);
    expect((await create({ kind: "admin", project: await makeProject() }, owner)).body.error.param).toBe("project");
  });
});

describe("the project of a key", () => {
  it("counts its calls from the moment it is published", async () => {
    const [first, second] = [await makeProject(), await makeProject()];
    const { id } = (await create({ project: first })).body;
    expect(world.publisher.key(id).project).toBe(first);
    expect((await change(id, { project: second })).body.project).toBe(second);
    expect(world.publisher.key(id)).toMatchObject({ project: second, version: 2 });
    expect((await change(id, { project: null })).body.project).toBeNull();
    expect(world.publisher.key(id).project).toBeUndefined();
    const listed = (await world.ask("GET", `${keys()}?project=${first}`, { key: world.a.admin })).body.keys;
    expect(listed).toEqual([]);
  });

  it("is left only by who reaches all keys, so that its windows hold whoever a key is for", async () => {
    const [first, second] = [await makeProject(), await makeProject()];
    const developer = await world.signIn(world.a.org, "developer");
    const { id } = (await create({ project: first }, developer)).body;
    for (const project of [null, second]) {
      const refused = await change(id, { project }, developer);
      expect([refused.status, refused.body.error.code]).toEqual([403, "insufficient_permissions"]);
    }
    expect((await change(id, { project: first, name: "y" }, developer)).body).toMatchObject({ project: first });
    expect(world.publisher.key(id).project).toBe(first);
    expect((await change(id, { project: second })).body.project).toBe(second);
    const free = (await create({}, developer)).body.id;
    expect((await change(free, { project: first }, developer)).status).toBe(403);
  });

  it("is one of the org's own that is not archived; a key that is in it stays changeable", async () => {
    const project = await makeProject();
    const { id } = (await create({ project })).body;
    const archive = { body: { isArchived: true } };
    await world.ask("PATCH", `/control/orgs/${world.a.org}/projects/${project}`, archive);
    for (const none of [project, await makeProject(world.b.org), "proj_0000000000000000000000"])
      expect((await create({ project: none })).body.error.param).toBe("project");
    expect((await change(id, { name: "y" })).body).toMatchObject({ name: "y", project });
    expect((await change(id, { project: null })).status).toBe(200);
    expect((await change(id, { project })).body.error.param).toBe("project");
  });
});
