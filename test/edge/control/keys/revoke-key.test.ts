import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const revoke = (id: string, key = world.a.admin) =>
  world.ask("POST", `/control/orgs/${world.a.org}/keys/${id}/revoke`, { key });
const create = async (name: string) =>
  (await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { key: world.a.admin, body: { name } })).body
    .id as string;

it("has answered only when the ledger knows (S1)", async () => {
  const id = await create("x");
  const answer = await revoke(id);
  expect([answer.status, answer.body.state, answer.body.version]).toEqual([200, "revoked", 2]);
  expect(world.publisher.key(id)).toMatchObject({ isRevoked: true, version: 2 });
});

it("keeps the first time of revocation the second time, and publishes to the ledger again", async () => {
  const id = await create("x");
  const first = await revoke(id);
  const before = world.publisher.published.length;
  world.clock.offsetMs = 5_000;
  const second = await revoke(id);
  world.clock.offsetMs = 0;
  expect(second.body).toEqual({ ...first.body, version: 3 });
  expect(world.publisher.published.length).toBe(before + 1);
});

it("revokes once however many ask at a time", async () => {
  const id = await create("x");
  const answers = await Promise.all(Array.from({ length: 8 }, () => revoke(id)));
  expect(new Set(answers.map(({ body }) => body.revokedAt)).size).toBe(1);
});

it("is told once, however often it is asked", async () => {
  const id = await create("x");
  await Promise.all(Array.from({ length: 4 }, () => revoke(id)));
  await revoke(id);
  const told = await world.select(
    "SELECT * FROM events WHERE type = 'key.revoked' AND json_extract(body, '$.key') = ?",
    id,
  );
  expect(told).toHaveLength(1);
});

it("heals by repeating when the ledger was out of reach", async () => {
  const id = await create("x");
  world.publisher.fails = () => true;
  expect((await revoke(id)).status).toBe(503);
  world.publisher.fails = () => false;
  expect(world.publisher.key(id).isRevoked).toBe(false);
  expect((await revoke(id)).status).toBe(200);
  expect(world.publisher.key(id).isRevoked).toBe(true);
});

it("takes an empty object, and no other body", async () => {
  const id = await create("x");
  const path = `/control/orgs/${world.a.org}/keys/${id}/revoke`;
  expect((await world.ask("POST", path, { body: { at: 1 } })).body.error.param).toBe("at");
  expect((await world.ask("POST", path, { body: [] })).status).toBe(400);
  expect((await world.ask("POST", path, { rawBody: "at=1", headers: { "content-type": "text/plain" } })).status).toBe(
    400,
  );
  expect((await world.ask("GET", `/control/orgs/${world.a.org}/keys/${id}`)).body.state).toBe("active");
  expect((await world.ask("POST", path, { rawBody: "" })).body.state).toBe("revoked");
  expect((await world.ask("POST", path, { body: {} })).body.state).toBe("revoked");
});

it("leaves admin keys to operators", async () => {
  const answer = await revoke(world.a.adminId);
  expect([answer.status, answer.body.error.code]).toEqual([403, "insufficient_permissions"]);
  expect((await revoke(world.a.adminId, world.operator.key)).body.state).toBe("revoked");
  expect((await world.ask("GET", "/control/orgs", { key: world.a.admin })).status).toBe(401);
});
