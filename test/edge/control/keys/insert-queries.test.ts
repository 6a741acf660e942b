import { expect, it } from "vitest";
import { countKept, countKeys, insertKey, insertSuccessor } from "#edge/control/keys/insert-queries.ts";
import { revokeKeyRow } from "#edge/control/keys/queries.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import { openDrafts, run } from "./drafts.ts";

const { place, draft, insert } = openDrafts();

it("keeps roles to admin keys", async () => {
  await expect(run(insertKey(place.world.db, draft({ role: "operator" })))).rejects.toThrow(/CHECK/);
  await expect(run(insertKey(place.world.db, draft({ kind: "admin" })))).rejects.toThrow(/CHECK/);
});

it("gives a key in force one successor, and a key that is not in force none", async () => {
  const old = await insert({ expiresAtMs: 2_000, models: ["embedder"] });
  expect(await run(insertSuccessor(place.world.db, old.id, { ...draft(), createdAtMs: 2_000 }))).toBeNull();
  const fresh = await run(insertSuccessor(place.world.db, old.id, { ...draft(), createdAtMs: 1_999 }));
  expect(fresh).toMatchObject({ replaces: old.id, models: ["embedder"], version: 1 });
  expect(await run(insertSuccessor(place.world.db, old.id, { ...draft(), createdAtMs: 1_999 }))).toBeNull();
  await run(revokeKeyRow(place.world.db, fresh?.id ?? "", 1_999));
  expect(await run(insertSuccessor(place.world.db, old.id, { ...draft(), createdAtMs: 1_999 }))).not.toBeNull();
});

it("inserts no more keys than may be in force, and counts them by an index", async () => {
  const old = await insert();
  const inForce = await countKeys(place.world.db, place.world.a.org, 1_000);
  const room = (more: number) => ({ inForce: inForce + more, kept: 1_000 });
  expect(await run(insertKey(place.world.db, draft(), room(0)))).toBeNull();
  expect(await run(insertSuccessor(place.world.db, old.id, { ...draft(), expiresAtMs: 5_000 }, room(0)))).toBeNull();
  expect(
    await run(insertSuccessor(place.world.db, old.id, { ...draft(), expiresAtMs: 5_000 }, room(1))),
  ).not.toBeNull();
  expect(await countKeys(place.world.db, place.world.a.org, 1_000)).toBe(inForce + 1);
  expect(await countKeys(place.world.db, place.world.a.org, 5_000)).toBeLessThanOrEqual(inForce);
  const plan = await place.world.select(
    "EXPLAIN QUERY PLAN SELECT count(*) FROM keys WHERE org = ? AND revoked_at_ms IS NULL AND " +
      "(expires_at_ms IS NULL OR expires_at_ms > ?)",
    "",
    1,
  );
  expect(plan.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH keys USING INDEX keys_in_force/)]);
});

it("counts keys that ended for as long as the ledger keeps them", async () => {
  const createdAtMs = 1_000;
  const before = await countKept(place.world.db, place.world.a.org, createdAtMs);
  const [revoked, old] = [await insert(), await insert({ expiresAtMs: 2_000 })];
  await run(revokeKeyRow(place.world.db, revoked.id, 2_000));
  const full = { inForce: 1_000, kept: before + 2 };
  expect(await run(insertKey(place.world.db, draft(), full))).toBeNull();
  expect(await run(insertSuccessor(place.world.db, old.id, { ...draft(), expiresAtMs: 5_000 }, full))).toBeNull();
  expect(await countKept(place.world.db, place.world.a.org, 2_000 + keyRetentionMs - 1)).toBeGreaterThanOrEqual(2);
  const later = await countKept(place.world.db, place.world.a.org, 2_000 + keyRetentionMs - 1);
  expect(await countKept(place.world.db, place.world.a.org, 2_000 + keyRetentionMs)).toBeLessThanOrEqual(later - 2);
  expect(await run(insertKey(place.world.db, draft({ createdAtMs: 2_000 + keyRetentionMs }), full))).not.toBeNull();
});

it("makes none for who is no member or removed, nor for another org's or an archived project (P4)", async () => {
  const { world } = place;
  const { user } = await world.signIn(world.a.org, "developer");
  const made = async (fields: Parameters<typeof draft>[0]) => (await run(insertKey(world.db, draft(fields)))) !== null;
  expect(await made({ owner: user })).toBe(true);
  expect(await made({ owner: user, kind: "admin", role: "admin" })).toBe(false);
  await world.select("UPDATE members SET role = 'admin' WHERE user = ?", user);
  expect(await made({ owner: user, kind: "admin", role: "admin" })).toBe(true);
  await world.select("DELETE FROM members WHERE user = ?", user);
  expect(await made({ owner: user })).toBe(false);
  const [sa, project] = [`sa_${"0".repeat(22)}`, `proj_${"0".repeat(22)}`];
  expect([await made({ owner: sa }), await made({ project })]).toEqual([false, false]);
  await world.select(
    "INSERT INTO service_accounts (id, org, name, created_at_ms) VALUES (?, ?, 'x', 1)",
    sa,
    world.a.org,
  );
  await world.select("INSERT INTO projects (id, org, name, created_at_ms) VALUES (?, ?, 'x', 1)", project, world.a.org);
  expect([await made({ owner: sa }), await made({ project })]).toEqual([true, true]);
  expect([await made({ owner: sa, org: world.b.org }), await made({ project, org: world.b.org })]).toEqual([
    false,
    false,
  ]);
  await world.select("UPDATE service_accounts SET removed_at_ms = 1 WHERE id = ?", sa);
  await world.select("UPDATE projects SET is_archived = 1 WHERE id = ?", project);
  expect([await made({ owner: sa }), await made({ project })]).toEqual([false, false]);
});
