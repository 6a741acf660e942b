import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Asking, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const path = (org: string) => `/control/orgs/${org}/projects`;
const create = (org: string, body: Json, asking: Asking = { key: world.a.admin }) =>
  world.ask("POST", path(org), { ...asking, body });

it("makes a project, in force once it has answered, and shows and lists it", async () => {
  const answer = await create(world.a.org, { name: "Search", limits: { requestsPerMinute: 5 } });
  expect(answer.status).toBe(201);
  const { id } = answer.body;
  expect(answer.body).toMatchObject({
    name: "Search",
    limits: { requestsPerMinute: 5 },
    isArchived: false,
    version: 1,
  });
  expect(world.publisher.project(id)).toEqual({
    kind: "project",
    id,
    org: world.a.org,
    limits: { requestsPerMinute: 5 },
    isArchived: false,
    version: 1,
  });
  const viewer = await world.signIn(world.a.org, "viewer");
  const shown = await world.ask("GET", `${path(world.a.org)}/${id}`, viewer);
  expect([shown.body, shown.headers.get("etag")]).toEqual([answer.body, '"1"']);
  const second = (await create(world.a.org, { name: "Second" })).body;
  expect(second.limits).toBeNull();
  const page = (await world.ask("GET", `${path(world.a.org)}?limit=1`, viewer)).body;
  const next = (await world.ask("GET", `${path(world.a.org)}?limit=1&cursor=${page.nextCursor}`, viewer)).body;
  expect([page.projects[0].id, next.projects[0].id].toSorted()).toEqual([id, second.id].toSorted());
  const [entry] = await world.select("SELECT action, after FROM audit WHERE target = ?", id);
  expect(entry?.["action"]).toBe("project.created");
  expect(JSON.parse(entry?.["after"])).toEqual({ name: "Search", limits: { requestsPerMinute: 5 }, isArchived: false });
});

it("is not there when it could not be published", async () => {
  world.publisher.fails = ({ kind }) => kind === "project";
  const answer = await create(world.a.org, { name: "Lost" });
  world.publisher.fails = () => false;
  expect([answer.status, answer.body.error.code]).toEqual([503, "quota_unavailable"]);
  expect(await world.select("SELECT id FROM projects WHERE name = 'Lost'")).toEqual([]);
  const actions = await world.select("SELECT action FROM audit WHERE org = ? ORDER BY seq DESC LIMIT 2", world.a.org);
  expect(actions.map(({ action }) => action)).toEqual(["project.withdrawn", "project.created"]);
});

it("refuses bad bodies, another org's, who may not, and more than an org may have", async () => {
  for (const [field, body] of [
    ["name", {}],
    ["name", { name: "" }],
    ["limits.requestsPerMinute", { name: "x", limits: { requestsPerMinute: -1 } }],
    ["isArchived", { name: "x", isArchived: true }],
  ] as const)
    expect((await create(world.a.org, body)).body.error.param).toBe(field);
  expect((await create(world.a.org, { name: "x" }, { key: world.b.admin })).status).toBe(404);
  expect((await create(world.a.org, { name: "x" }, await world.signIn(world.a.org, "developer"))).status).toBe(403);
  const { id } = (await create(world.a.org, { name: "x" })).body;
  expect((await world.ask("GET", `${path(world.b.org)}/${id}`, { key: world.b.admin })).status).toBe(404);
  await world.select(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 499)
     INSERT INTO projects (id, org, name, created_at_ms) SELECT 'proj_' || printf('%022d', i), ?, 'x', 1 FROM n`,
    world.b.org,
  );
  const answers = await Promise.all([1, 2].map(() => create(world.b.org, { name: "x" }, { key: world.b.admin })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
});
