import { afterAll, beforeAll, expect, it } from "vitest";
import { findServiceAccount, insertServiceAccount } from "#edge/control/service-accounts/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("lists by an index, without sorting", async () => {
  const plan = await world.select(
    "EXPLAIN QUERY PLAN SELECT * FROM service_accounts WHERE org = ? AND (created_at_ms, id) < (?, ?) " +
      "ORDER BY created_at_ms DESC, id DESC LIMIT 1",
    "",
    1,
    "",
  );
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/^SEARCH service_accounts USING INDEX service_accounts_by_org/),
  ]);
});

it("is in its own org, with room for no more than it may have", async () => {
  const id = `sa_${"0".repeat(22)}`;
  const draft = { id, org: world.a.org, project: null, name: "x", created_at_ms: 1 };
  expect(await insertServiceAccount(world.db, draft, 0).first()).toBeNull();
  expect(await insertServiceAccount(world.db, draft, 1).first()).not.toBeNull();
  expect(await findServiceAccount(world.db, world.a.org, id)).toMatchObject({ name: "x" });
  expect(await findServiceAccount(world.db, world.b.org, id)).toBeNull();
});
