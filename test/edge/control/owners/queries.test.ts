import { afterAll, beforeAll, expect, it } from "vitest";
import { findAuditHead } from "#edge/control/audit/queries.ts";
import { endKey, findKey, KeyRow, undoRotation } from "#edge/control/keys/queries.ts";
import { areAsPlanned, endKeys, planEnding, selectEnded } from "#edge/control/owners/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("plans with an owner's keys as they are, and knows when they are others", async () => {
  const { user, ...asking } = await world.signIn(world.a.org, "admin");
  const make = (kind: string) =>
    world.ask("POST", `/control/orgs/${world.a.org}/keys`, { ...asking, body: { name: "x", kind } });
  const admin = (await make("admin")).body.id;
  const inference = (await make("inference")).body.id;
  const of = { org: world.a.org, owner: user, onlyAdmin: false };
  const ending = await planEnding(world.db, of);
  expect(ending.ids).toEqual([admin, inference].toSorted());
  expect((await planEnding(world.db, { ...of, onlyAdmin: true })).ids).toEqual([admin]);
  expect((await planEnding(world.db, { ...of, org: world.b.org })).ids).toEqual([]);
  const { sql, values } = areAsPlanned(ending);
  const holds = async () => (await world.select(`SELECT ${sql} AS holds`, ...values))[0]?.["holds"];
  expect(await holds()).toBe(1);
  await make("inference");
  expect(await holds()).toBe(0);
});

it("revokes nothing without its entry", async () => {
  const { user, ...asking } = await world.signIn(world.a.org, "developer");
  await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { ...asking, body: { name: "x" } });
  const of = { org: world.a.org, owner: user, onlyAdmin: false };
  await endKeys(world.db, of, Date.now(), { org: world.a.org, seq: 1, hash: "x" }).run();
  expect(await selectEnded(world.db, of, Date.now())).toEqual([]);
});

it("comes after a rotation that is about to be undone, which then brings no key back", async () => {
  const { user, ...asking } = await world.signIn(world.a.org, "developer");
  const path = `/control/orgs/${world.a.org}/keys`;
  const { id } = (await world.ask("POST", path, { ...asking, body: { name: "x" } })).body;
  const ended = KeyRow.parse(await endKey(world.db, id, Date.now(), 0).first());
  const head = await findAuditHead(world.db, world.a.org);
  if (!head) throw new Error("no log");
  const of = { org: world.a.org, owner: user, onlyAdmin: false };
  await endKeys(world.db, of, Date.now(), { org: world.a.org, ...head }).run();
  await undoRotation(world.db, world.a.keyId, { ended, expiresAtMs: null }, Date.now()).all();
  expect((await findKey(world.db, world.a.org, id))?.revoked_at_ms).not.toBeNull();
});

it("finds an owner's keys by an index", async () => {
  const plan = await world.select(
    `EXPLAIN QUERY PLAN SELECT id FROM keys WHERE org = ? AND owner = ? AND (? = 0 OR kind = 'admin')
       AND revoked_at_ms IS NULL ORDER BY id`,
    world.a.org,
    "x",
    0,
  );
  expect(plan[0]?.["detail"]).toMatch(/^SEARCH keys USING INDEX keys_by_owner/);
});
