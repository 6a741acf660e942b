import { afterAll, beforeAll, expect, it } from "vitest";
import { findByDigest, findInvitation, findOpenByEmail, isMembersEmail } from "#edge/control/invitations/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const plan = async (sql: string) =>
  (await world.select(`EXPLAIN QUERY PLAN ${sql}`, ...Array.from({ length: sql.split("?").length - 1 }, () => 1)))
    .map(({ detail }) => String(detail))
    .join("; ");

it("lists, finds and counts by an index", async () => {
  expect(
    await plan(
      `SELECT * FROM invitations WHERE org = ? AND (created_at_ms, id) < (?, ?)
       ORDER BY created_at_ms DESC, id DESC LIMIT 9`,
    ),
  ).toMatch(/^SEARCH invitations USING INDEX invitations_by_org \([^;]*$/);
  expect(await plan("SELECT * FROM invitations WHERE org = ? AND email = ?")).toContain("invitations_by_email");
  expect(await plan("SELECT * FROM invitations WHERE digest = ?")).toMatch(/^SEARCH/);
  expect(await plan("SELECT count(*) FROM invitations WHERE org = ? AND sent_at_ms > ?")).toContain("by_sending");
  expect(await plan("SELECT count(*) FROM invitations WHERE invited_by = ? AND sent_at_ms > ?")).toContain(
    "by_inviter",
  );
});

it("finds an address's open invitation in its own org, and a member's address there alone", async () => {
  const path = `/control/orgs/${world.a.org}/invitations`;
  const body = { email: "guest@example.test", role: "viewer" };
  const { id } = (await world.ask("POST", path, { key: world.a.admin, body })).body;
  expect((await findOpenByEmail(world.db, world.a.org, body.email, Date.now()))?.id).toBe(id);
  expect(await findOpenByEmail(world.db, world.a.org, body.email, Date.now() + 8 * 86_400_000)).toBeNull();
  expect(await findOpenByEmail(world.db, world.b.org, body.email, Date.now())).toBeNull();
  expect(await findInvitation(world.db, world.b.org, id)).toBeNull();
  expect(await findByDigest(world.db, "x")).toBeNull();
  const { person } = await world.signIn(world.a.org, "viewer");
  expect(await isMembersEmail(world.db, world.a.org, person.email)).toBe(true);
  expect(await isMembersEmail(world.db, world.b.org, person.email)).toBe(false);
});
