import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorld, type Asking, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const set = (org: string, user: string, role: string, asking: Asking) =>
  world.ask("PATCH", `/control/orgs/${org}/members/${user}`, { ...asking, body: { role } });
const readRole = async (org: string, user: string) =>
  (await world.select("SELECT role FROM members WHERE org = ? AND user = ?", org, user))[0]?.["role"];

it("sets a role, and writes who did, whose it was and what it was", async () => {
  const admin = await world.signIn(world.a.org, "admin");
  const { user, person } = await world.signIn(world.a.org, "viewer");
  const answer = await set(world.a.org, user, "developer", admin);
  expect([answer.status, answer.body.role]).toEqual([200, "developer"]);
  expect(await readRole(world.a.org, user)).toBe("developer");
  const [entry] = await world.select("SELECT * FROM audit WHERE org = ? AND target = ?", world.a.org, user);
  expect(entry).toMatchObject({ action: "member.role_set", actor: admin.user });
  expect(JSON.parse(entry?.["before"])).toEqual({ role: "viewer", email: person.email });
  expect(JSON.parse(entry?.["after"])).toEqual({ role: "developer", revokedKeys: [] });
  const [event] = await world.select("SELECT * FROM events WHERE org = ? AND type = 'member.changed'", world.a.org);
  expect(JSON.parse(event?.["body"])).toMatchObject({ user, role: "developer", before: "viewer" });
});

it("refuses a role that is none, who is no member, another org's admin and who may not", async () => {
  const { user } = await world.signIn(world.a.org, "viewer");
  const developer = await world.signIn(world.a.org, "developer");
  expect((await set(world.a.org, user, "operator", { key: world.a.admin })).body.error.param).toBe("role");
  const nobody = "user_0000000000000000000000";
  expect((await set(world.a.org, nobody, "viewer", { key: world.a.admin })).status).toBe(404);
  expect((await set(world.a.org, user, "admin", { key: world.b.admin })).status).toBe(404);
  expect((await set(world.b.org, user, "admin", { key: world.b.admin })).status).toBe(404);
  expect((await set(world.a.org, user, "admin", developer)).status).toBe(403);
  expect(await readRole(world.a.org, user)).toBe("viewer");
});

describe("ownership", () => {
  it("is an owner's or an operator's to give and to take, and no admin's", async () => {
    const { org } = await world.openOrg("Owned");
    const owner = await world.signIn(org, "owner");
    const admin = await world.signIn(org, "admin");
    expect((await set(org, admin.user, "owner", admin)).status).toBe(403);
    expect((await set(org, owner.user, "viewer", admin)).status).toBe(403);
    expect((await set(org, admin.user, "owner", owner)).status).toBe(200);
    expect((await set(org, owner.user, "viewer", { key: world.operator.key })).status).toBe(200);
    expect(await readRole(org, owner.user)).toBe("viewer");
  });

  it("stays with the last owner, also when two give it up or take it from each other at once (P3)", async () => {
    for (let round = 0; round < 5; round++) {
      const { org } = await world.openOrg("Two owners");
      const one = await world.signIn(org, "owner");
      const two = await world.signIn(org, "owner");
      const answers = await Promise.all(
        round % 2 === 0
          ? [set(org, one.user, "viewer", one), set(org, two.user, "admin", two)]
          : [set(org, one.user, "viewer", two), world.ask("DELETE", `/control/orgs/${org}/members/${two.user}`, one)],
      );
      const owners = await world.select("SELECT user FROM members WHERE org = ? AND role = 'owner'", org);
      expect(owners.length, JSON.stringify(answers.map(({ status }) => status))).toBeGreaterThanOrEqual(1);
      expect(answers.map(({ status }) => status)).toContain(200);
      const [last] = owners;
      const refused = await set(org, last?.["user"], "admin", { key: world.operator.key });
      if (owners.length === 1) expect([refused.status, refused.body.error.code]).toEqual([409, "conflict"]);
    }
  });
});

it("takes the admin keys of who is in charge no longer out of force, and leaves the others", async () => {
  const { org } = await world.openOrg("Demoting");
  const owner = await world.signIn(org, "owner");
  const admin = await world.signIn(org, "admin");
  const make = async (kind: string) =>
    (await world.ask("POST", `/control/orgs/${org}/keys`, { ...admin, body: { name: kind, kind } })).body;
  const [adminKey, inference] = [await make("admin"), await make("inference")];
  expect((await world.ask("GET", `/control/orgs/${org}`, { key: adminKey.secret })).status).toBe(200);
  expect((await set(org, admin.user, "owner", owner)).status).toBe(200);
  expect((await world.ask("GET", `/control/orgs/${org}`, { key: adminKey.secret })).status).toBe(200);
  expect((await set(org, admin.user, "developer", owner)).status).toBe(200);
  expect((await world.ask("GET", `/control/orgs/${org}`, { key: adminKey.secret })).status).toBe(401);
  const [row] = await world.select("SELECT revoked_at_ms FROM keys WHERE id = ?", inference.id);
  expect(row?.["revoked_at_ms"]).toBeNull();
});
