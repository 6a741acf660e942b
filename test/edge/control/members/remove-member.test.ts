import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorld, type Asking, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const remove = (org: string, user: string, asking: Asking) =>
  world.ask("DELETE", `/control/orgs/${org}/members/${user}`, asking);
const make = async (org: string, asking: Asking, body: object = {}) =>
  (await world.ask("POST", `/control/orgs/${org}/keys`, { ...asking, body: { name: "x", ...body } })).body;
const inForce = (org: string, owner: string) =>
  world.select("SELECT id FROM keys WHERE org = ? AND owner = ? AND revoked_at_ms IS NULL", org, owner);

it("takes every key of theirs out of force before it answers, and the entry names them (P4)", async () => {
  const leaver = await world.signIn(world.a.org, "developer");
  const keys = [await make(world.a.org, leaver), await make(world.a.org, leaver)];
  const answer = await remove(world.a.org, leaver.user, { key: world.a.admin });
  expect(answer.status).toBe(200);
  expect(answer.body.user).toBe(leaver.user);
  expect(answer.body.revokedKeys.toSorted()).toEqual(keys.map(({ id }) => id).toSorted());
  for (const { id } of keys) expect(world.publisher.key(id)).toMatchObject({ isRevoked: true, version: 2 });
  expect(world.publisher.key(world.a.keyId).isRevoked).toBe(false);
  const [entry] = await world.select(
    "SELECT * FROM audit WHERE org = ? AND target = ? AND action = 'member.removed'",
    world.a.org,
    leaver.user,
  );
  expect(JSON.parse(entry?.["after"])).toEqual({ role: null, revokedKeys: keys.map(({ id }) => id).toSorted() });
  expect((await world.ask("GET", `/control/orgs/${world.a.org}`, leaver)).status).toBe(404);
});

it("leaves what was handed over first", async () => {
  const leaver = await world.signIn(world.a.org, "developer");
  const heir = await world.signIn(world.a.org, "viewer");
  const { id } = await make(world.a.org, leaver);
  const path = `/control/orgs/${world.a.org}/keys/${id}`;
  const given = await world.ask("PATCH", path, { key: world.a.admin, body: { owner: heir.user } });
  expect([given.status, given.body.owner]).toEqual([200, heir.user]);
  expect((await remove(world.a.org, leaver.user, { key: world.a.admin })).body.revokedKeys).toEqual([]);
  expect(world.publisher.key(id).isRevoked).toBe(false);
});

describe("when the ledger is out of reach", () => {
  it("is refused with 503, and repeating it heals: nobody hears 200 while a key still works", async () => {
    const leaver = await world.signIn(world.a.org, "developer");
    const keys: Json[] = [];
    for (let at = 0; at < 12; at++) keys.push(await make(world.a.org, leaver));
    const last = keys.at(-1)?.id;
    world.publisher.fails = ({ id }) => id === last;
    expect((await remove(world.a.org, leaver.user, { key: world.a.admin })).status).toBe(503);
    expect((await remove(world.a.org, leaver.user, { key: world.a.admin })).status).toBe(503);
    world.publisher.fails = () => false;
    expect((await remove(world.a.org, leaver.user, { key: world.a.admin })).status).toBe(200);
    expect(keys.filter(({ id }) => !world.publisher.key(id).isRevoked)).toEqual([]);
    const entries = await world.select("SELECT seq FROM audit WHERE target = ?", leaver.user);
    expect(entries.length).toBe(1);
  });
});

it("leaves no key in force that they make, rotate or are given at the same moment (P4)", async () => {
  for (let round = 0; round < 4; round++) {
    const leaver = await world.signIn(world.a.org, "developer");
    const { id } = await make(world.a.org, leaver);
    const other = await make(world.a.org, { key: world.a.admin });
    const path = `/control/orgs/${world.a.org}/keys`;
    const answers = await Promise.all([
      make(world.a.org, leaver),
      world.ask("POST", `${path}/${id}/rotate`, { ...leaver, body: { overlapSeconds: round % 2 } }),
      remove(world.a.org, leaver.user, { key: world.a.admin }),
      make(world.a.org, leaver),
      world.ask("PATCH", `${path}/${other.id}`, { key: world.a.admin, body: { owner: leaver.user } }),
      make(world.a.org, leaver),
    ]);
    expect(answers[2].status).toBe(200);
    expect(await inForce(world.a.org, leaver.user)).toEqual([]);
    const left = (await world.select("SELECT id FROM keys WHERE owner = ?", leaver.user)).map(({ id: key }) => key);
    const working = left.filter((key) => world.publisher.records.has(key) && !world.publisher.key(key).isRevoked);
    expect(working).toEqual([]);
  }
});

it("refuses an owner's removal to admins, the last owner's to all, and who is no member", async () => {
  const { org } = await world.openOrg("Kept");
  const owner = await world.signIn(org, "owner");
  const admin = await world.signIn(org, "admin");
  expect((await remove(org, owner.user, admin)).status).toBe(403);
  expect((await remove(org, owner.user, { key: world.operator.key })).body.error.code).toBe("conflict");
  expect((await remove(org, owner.user, owner)).status).toBe(409);
  expect((await remove(org, "user_0000000000000000000000", owner)).status).toBe(404);
  expect((await remove(org, admin.user, { key: world.b.admin })).status).toBe(404);
  const viewer = await world.signIn(org, "viewer");
  expect((await remove(org, admin.user, viewer)).status).toBe(403);
  expect((await remove(org, admin.user, { ...owner, body: { at: 1 } })).status).toBe(400);
});
