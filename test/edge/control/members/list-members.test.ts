import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("lists members with who they are, page by page, to everybody in the org and to nobody else", async () => {
  const users = new Set<string>();
  for (const role of ["owner", "admin", "developer", "billing"] as const)
    users.add((await world.signIn(world.a.org, role)).user);
  const viewer = await world.signIn(world.a.org, "viewer", { name: "Ada" });
  users.add(viewer.user);
  const path = `/control/orgs/${world.a.org}/members`;
  const seen: string[] = [];
  for (let cursor = ""; ;) {
    const { status, body } = await world.ask("GET", `${path}?limit=2${cursor}`, viewer);
    expect(status).toBe(200);
    seen.push(...body.members.map(({ user }: Json) => user));
    if (body.nextCursor === null) break;
    cursor = `&cursor=${body.nextCursor}`;
  }
  expect(seen.length).toBe(5);
  expect(new Set(seen)).toEqual(users);
  const { body } = await world.ask("GET", path, { key: world.a.admin });
  expect(body.members.find(({ user }: Json) => user === viewer.user)).toEqual({
    user: viewer.user,
    email: viewer.person.email,
    name: "Ada",
    role: "viewer",
    createdAt: "1970-01-01T00:00:00.001Z",
  });
  expect((await world.ask("GET", path, { key: world.b.admin })).status).toBe(404);
  expect((await world.ask("GET", `${path}?role=owner`, viewer)).status).toBe(400);
});
