import { afterAll, beforeAll, expect, it } from "vitest";
import { listStart } from "#edge/control/http/fields.ts";
import {
  findMember,
  findMemberRole,
  findMembership,
  insertMember,
  insertOwner,
  selectMembers,
  selectMemberships,
} from "#edge/control/members/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("knows a member's role in their org, and in no other", async () => {
  const { user, person } = await world.signIn(world.a.org, "billing");
  expect(await findMemberRole(world.db, world.a.org, user)).toBe("billing");
  expect(await findMemberRole(world.db, world.b.org, user)).toBeNull();
  expect(await findMember(world.db, world.b.org, user)).toBeNull();
  expect(await findMember(world.db, world.a.org, user)).toMatchObject({ role: "billing", email: person.email });
  const orgs = await selectMemberships(world.db, user, 9);
  const flags = { requires_mfa: 0, is_suspended: 0, requires_login: 0 };
  expect(orgs).toEqual([{ org: world.a.org, name: "Org A", role: "billing", ...flags }]);
  expect(await findMembership(world.db, world.a.org, user)).toEqual({ role: "billing", requiresLogin: false });
  expect(await findMembership(world.db, world.b.org, user)).toEqual({ role: null, requiresLogin: false });
});

it("makes nobody a member but in the batch whose entry was written", async () => {
  const mark = { org: world.a.org, seq: 1, hash: "0".repeat(64) };
  await insertOwner(world.db, "user_0000000000000000000009", 1, mark).run();
  const member = { user: "user_0000000000000000000009", role: "viewer", createdAtMs: 1 } as const;
  await insertMember(world.db, member, mark).run();
  expect(await findMemberRole(world.db, world.a.org, "user_0000000000000000000009")).toBeNull();
});

it("still lists a member whom sign-in does not know", async () => {
  await world.select(
    "INSERT INTO members (org, user, role, created_at_ms) VALUES (?, 'user_0000000000000000000008', 'viewer', 1)",
    world.b.org,
  );
  const [row] = await selectMembers(world.db, world.b.org, { cursor: listStart, limit: 9 });
  expect(row).toMatchObject({ user: "user_0000000000000000000008", email: "", name: "" });
});

it("lists 500 members and somebody's orgs by an index, without sorting the members", async () => {
  const plan = async (sql: string, ...values: unknown[]) =>
    (await world.select(`EXPLAIN QUERY PLAN ${sql}`, ...values)).map(({ detail }) => String(detail)).join("; ");
  const members = await plan(
    `SELECT members.*, auth_users.email FROM members LEFT JOIN auth_users ON auth_users.id = members.user
     WHERE members.org = ? AND (members.created_at_ms, members.user) < (?, ?)
     ORDER BY members.created_at_ms DESC, members.user DESC LIMIT 9`,
    world.a.org,
    1,
    "",
  );
  expect(members).toMatch(/^SEARCH members USING INDEX members_by_time/);
  expect(members).toMatch(/SEARCH auth_users USING INDEX/);
  expect(members).not.toContain("TEMP B-TREE");
  const orgs = await plan("SELECT * FROM members CROSS JOIN orgs ON orgs.id = members.org WHERE members.user = ?", "x");
  expect(orgs).toMatch(/^SEARCH members USING (COVERING )?INDEX members_by_user/);
});
