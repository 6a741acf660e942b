import { afterAll, beforeAll, expect, it } from "vitest";
import { badSessions, openWorld, type Answer, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const show = (key: string | null, query = ""): Promise<Answer> => world.ask("GET", `/control/whoami${query}`, { key });

it("shows the key that asks, with its role, and its org", async () => {
  const admin = await show(world.a.admin);
  expect(admin.status).toBe(200);
  expect(admin.body.key).toMatchObject({ id: world.a.adminId, kind: "admin", role: "admin", state: "active" });
  expect(admin.body.org).toMatchObject({ id: world.a.org, name: "Org A", isOperator: false });
  expect(admin.text).not.toContain(world.a.admin);
  const operator = await show(world.operator.key);
  expect(operator.body).toMatchObject({ key: { role: "operator" }, org: { id: world.operator.org, isOperator: true } });
});

it("takes no query, and refuses every credential that is no good", async () => {
  expect((await show(world.a.admin, "?org=x")).body.error.param).toBe("org");
  const refused = await badSessions(world, (key) => show(key));
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
});
