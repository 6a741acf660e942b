import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Asking, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const leave = (org: string, asking: Asking) => world.ask("POST", `/control/orgs/${org}/leave`, asking);
const make = async (asking: Asking) =>
  (await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { ...asking, body: { name: "x" } })).body;
const isMember = async (user: string) => (await world.select("SELECT 1 FROM members WHERE user = ?", user)).length > 0;

it("takes one's keys out of force and ends the membership (P4)", async () => {
  const developer = await world.signIn(world.a.org, "developer");
  const { id } = await make(developer);
  const answer = await leave(world.a.org, developer);
  expect([answer.status, answer.body]).toEqual([200, { org: world.a.org }]);
  expect(world.publisher.key(id).isRevoked).toBe(true);
  expect(await isMember(developer.user)).toBe(false);
  expect((await leave(world.a.org, developer)).status).toBe(404);
  const entries = await world.select("SELECT action, after FROM audit WHERE target = ? ORDER BY seq", developer.user);
  expect(entries.map(({ action }) => action)).toEqual(["member.keys_ended", "member.left"]);
  expect(JSON.parse(entries[0]?.["after"]).revokedKeys).toEqual([id]);
});

it("can be repeated by who could not leave while the ledger was out of reach", async () => {
  const developer = await world.signIn(world.a.org, "developer");
  const { id } = await make(developer);
  world.publisher.fails = () => true;
  expect((await leave(world.a.org, developer)).status).toBe(503);
  world.publisher.fails = () => false;
  expect(await isMember(developer.user)).toBe(true);
  expect((await leave(world.a.org, developer)).status).toBe(200);
  expect(world.publisher.key(id).isRevoked).toBe(true);
});

it("keeps the last owner, with their keys, and lets one of two go that leave at once (P3)", async () => {
  const one = await world.signIn(world.a.org, "owner");
  const { id } = await make(one);
  const refused = await leave(world.a.org, one);
  expect([refused.status, refused.body.error.code]).toEqual([409, "conflict"]);
  expect(world.publisher.key(id).isRevoked).toBe(false);
  const two = await world.signIn(world.a.org, "owner");
  const answers = await Promise.all([leave(world.a.org, one), leave(world.a.org, two)]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  const owners = await world.select("SELECT user FROM members WHERE org = ? AND role = 'owner'", world.a.org);
  expect(owners.length).toBe(1);
});

it("is for members: no key, no operator and nobody of another org", async () => {
  expect((await leave(world.a.org, { key: world.a.admin })).status).toBe(404);
  expect((await leave(world.a.org, { key: world.operator.key })).status).toBe(403);
  expect((await leave(world.a.org, await world.signIn(world.b.org, "viewer"))).status).toBe(404);
  const viewer = await world.signIn(world.a.org, "viewer");
  expect((await leave(world.a.org, { ...viewer, body: { nonsense: true } })).status).toBe(400);
});
