import { afterAll, beforeAll, expect, it } from "vitest";
import { listActions } from "#edge/control/permissions.ts";
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

it("says what a key may do, as of a person: who, where, what", async () => {
  const { body } = await show(world.a.admin);
  expect(body.principal).toEqual({ kind: "key", id: world.a.adminId, name: "admin", email: null });
  expect(body.orgs).toEqual([
    {
      id: world.a.org,
      name: "Org A",
      role: "admin",
      actions: listActions(["admin"]),
      requiresMfa: false,
      requiresLogin: false,
      isSuspended: false,
    },
  ]);
  expect([body.isOperator, body.mfa]).toEqual([false, { enabled: false }]);
  expect((await show(world.operator.key)).body.isOperator).toBe(true);
});

it("shows a person their orgs, also one that asks for a second factor that they lack", async () => {
  const { user, person, ...asking } = await world.signIn(world.a.org, "developer");
  await world.select("INSERT INTO members VALUES (?, ?, 'owner', 1, 1)", world.b.org, user);
  await world.ask("PATCH", `/control/orgs/${world.b.org}`, { body: { requiresMfa: true } });
  expect((await world.ask("GET", `/control/orgs/${world.b.org}`, asking)).status).toBe(403);
  const { status, body } = await world.ask("GET", "/control/whoami", asking);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    principal: { kind: "member", id: user, name: person.name, email: person.email },
    isOperator: false,
    mfa: { enabled: false },
    key: null,
    org: null,
  });
  expect(body.orgs).toEqual([
    expect.objectContaining({ id: world.a.org, role: "developer", actions: listActions(["developer"]) }),
    expect.objectContaining({ id: world.b.org, role: "owner", actions: [], requiresMfa: true }),
  ]);
  world.sessions.people.set(user, { ...person, hasSecondFactor: true, isMfaEnabled: true });
  const with2 = (await world.ask("GET", "/control/whoami", asking)).body;
  expect([with2.mfa.enabled, with2.orgs[1].actions]).toEqual([true, listActions(["owner"])]);
  const nobody = await world.signIn(null, "viewer", { isOperator: true });
  expect((await world.ask("GET", "/control/whoami", nobody)).body).toMatchObject({ orgs: [], isOperator: true });
});
