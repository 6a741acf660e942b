import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Asking, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const close = (org: string, asking: Asking) => world.ask("DELETE", `/control/orgs/${org}`, asking);

it("suspends it and revokes its keys, also admin keys; an operator resumes it without them", async () => {
  const { org, key, keyId, admin } = await world.openOrg("Closing");
  const owner = await world.signIn(org, "owner");
  const answer = await close(org, owner);
  expect([answer.status, answer.body]).toEqual([
    200,
    expect.objectContaining({ isSuspended: true, closedAt: expect.any(String) }),
  ]);
  expect(key).toBeTruthy();
  expect(world.publisher.org(org).isSuspended).toBe(true);
  expect(world.publisher.key(keyId).isRevoked).toBe(true);
  expect((await world.ask("GET", `/control/orgs/${org}`, { key: admin })).status).toBe(401);
  // Its people may still read what there was, and change nothing.
  expect((await world.ask("GET", `/control/orgs/${org}`, owner)).status).toBe(200);
  const rename = await world.ask("PATCH", `/control/orgs/${org}`, { ...owner, body: { name: "y" } });
  expect(rename.body.error.code).toBe("org_suspended");
  const entries = await world.select("SELECT action, actor FROM audit WHERE org = ? ORDER BY seq DESC LIMIT 1", org);
  expect(entries).toEqual([{ action: "org.closed", actor: owner.user }]);
  // Nobody makes another key meanwhile: it would be in force once the org is resumed.
  const late = await world.ask("POST", `/control/orgs/${org}/keys`, { body: { name: "late" } });
  expect([late.status, late.body.error.code]).toEqual([403, "org_suspended"]);
  expect(await world.countKeys(org)).toBe(0);
  const resumed = await world.ask("PATCH", `/control/orgs/${org}`, { body: { isSuspended: false } });
  expect(resumed.body).toMatchObject({ isSuspended: false, closedAt: null });
  expect(world.publisher.org(org).isSuspended).toBe(false);
  expect(world.publisher.key(keyId).isRevoked).toBe(true);
});

it("heals by repeating when the ledger was out of reach, for its owner too", async () => {
  const { org, keyId } = await world.openOrg("Closing");
  const owner = await world.signIn(org, "owner");
  world.publisher.fails = ({ kind }) => kind === "key";
  expect((await close(org, owner)).status).toBe(503);
  expect((await close(org, owner)).status).toBe(503);
  world.publisher.fails = () => false;
  expect((await close(org, owner)).status).toBe(200);
  expect(world.publisher.key(keyId).isRevoked).toBe(true);
  const entries = await world.select("SELECT seq FROM audit WHERE org = ? AND action = 'org.closed'", org);
  expect(entries.length).toBe(1);
});

it("is for its owner and operators; the house's own org stays", async () => {
  const { org } = await world.openOrg("Kept");
  expect((await close(org, await world.signIn(org, "admin"))).status).toBe(403);
  expect((await close(org, { key: world.a.admin })).status).toBe(404);
  const owner = await world.signIn(org, "owner");
  expect((await close(org, { ...owner, body: { at: 1 } })).status).toBe(400);
  expect((await close(world.operator.org, { key: world.operator.key })).body.error.code).toBe("conflict");
  await world.ask("PATCH", `/control/orgs/${org}`, { body: { isSuspended: true } });
  expect((await close(org, owner)).body.error.code).toBe("org_suspended");
  const [row] = await world.select("SELECT closed_at_ms FROM orgs WHERE id = ?", org);
  expect(row?.["closed_at_ms"]).toBeNull();
});
