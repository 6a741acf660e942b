import { afterAll, beforeAll, expect, it } from "vitest";
import { findMemberRole, insertOwner } from "#edge/control/members/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("knows a member's role in their org, and in no other", async () => {
  const { user } = await world.signIn(world.a.org, "billing");
  expect(await findMemberRole(world.db, world.a.org, user)).toBe("billing");
  expect(await findMemberRole(world.db, world.b.org, user)).toBeNull();
});

it("makes nobody an owner but in the batch whose entry was written", async () => {
  const mark = { org: world.a.org, seq: 1, hash: "0".repeat(64) };
  await insertOwner(world.db, "user_0000000000000000000009", 1, mark).run();
  expect(await findMemberRole(world.db, world.a.org, "user_0000000000000000000009")).toBeNull();
});
