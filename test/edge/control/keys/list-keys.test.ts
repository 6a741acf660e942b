import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const list = async (query = "") =>
  (await world.ask("GET", `/control/orgs/${world.a.org}/keys${query}`, { key: world.a.admin })).body;

it("lists an org's own keys, with hints and states, and no secrets", async () => {
  const { keys, nextCursor } = await list();
  expect(keys.map(({ id }: { id: string }) => id).toSorted()).toEqual([world.a.adminId, world.a.keyId].toSorted());
  expect(keys[0]).not.toHaveProperty("secret");
  expect(keys[0]).not.toHaveProperty("digest");
  expect(nextCursor).toBeNull();
});

it("says when each key was last used, as the bill tells", async () => {
  const { org, keyId } = world.a;
  const lastUse = async () =>
    Object.fromEntries((await list()).keys.map(({ id, lastUsedAt }: Record<string, unknown>) => [id, lastUsedAt]));
  expect(await lastUse()).toEqual({ [world.a.adminId]: null, [keyId]: null });
  await insertUsage(world, { org, key: keyId, admittedAtMs: Date.UTC(2026, 2, 4, 5, 6, 7, 8) });
  expect(await lastUse()).toEqual({ [world.a.adminId]: null, [keyId]: "2026-03-04T05:06:00.000Z" });
});

it("says which keys have expired and which are revoked", async () => {
  const expiring = (
    await world.ask("POST", `/control/orgs/${world.a.org}/keys`, {
      body: { name: "soon", expiresAt: Date.now() + 10_000 },
    })
  ).body;
  await world.ask("POST", `/control/orgs/${world.a.org}/keys/${world.a.keyId}/revoke`);
  world.clock.offsetMs = 20_000;
  const states = Object.fromEntries(
    (await list()).keys.map(({ id, state }: { id: string; state: string }) => [id, state]),
  );
  world.clock.offsetMs = 0;
  expect(states).toEqual({ [world.a.adminId]: "active", [world.a.keyId]: "revoked", [expiring.id]: "expired" });
});

it("pages without loss or repetition while keys are added", async () => {
  const first = await list("?limit=2");
  await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { body: { name: "later" } });
  const second = await list(`?limit=2&cursor=${first.nextCursor}`);
  const ids = [...first.keys, ...second.keys].map(({ id }: { id: string }) => id);
  expect(new Set(ids).size).toBe(3);
  expect(second.nextCursor).toBeNull();
});
