import { afterAll, beforeAll, expect, it } from "vitest";
import { insertKey, insertSuccessor, countKeys, type KeyDraft } from "#edge/control/keys/insert-queries.ts";
import { endKey, findKey, revokeKeyRow, selectKeys, undoRotation } from "#edge/control/keys/queries.ts";
import { listStart } from "#edge/control/http/fields.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

let count = 0;
const draft = (fields: Partial<KeyDraft> = {}): KeyDraft => ({
  id: `key_${world.a.org.slice(4)}${String(++count).padStart(6, "0")}`,
  org: world.a.org,
  kind: "inference",
  role: null,
  name: "x",
  hint: "sk-pen-…",
  digest: "d".repeat(64),
  pepperKid: "p1",
  endpoints: null,
  models: null,
  ipCidrs: null,
  limits: null,
  expiresAtMs: null,
  createdAtMs: 1_000,
  ...fields,
});

const insert = async (fields: Partial<KeyDraft> = {}) => {
  const row = await insertKey(world.db, draft(fields));
  if (!row) throw new RangeError("no room");
  return row;
};

it("hands back what was inserted, to its own org only", async () => {
  const row = await insert({ endpoints: ["models"], limits: { concurrency: null }, ipCidrs: ["::1"] });
  expect(row).toMatchObject({
    endpoints: ["models"],
    limits: { concurrency: null },
    ip_cidrs: ["::1"],
    models: null,
    version: 1,
  });
  expect(await findKey(world.db, world.a.org, row.id)).toEqual(row);
  expect(await findKey(world.db, world.b.org, row.id)).toBeNull();
});

it("shortens and never lengthens, and leaves revoked keys alone", async () => {
  const { id } = await insert();
  expect((await endKey(world.db, id, 4_000, 1_000))?.expires_at_ms).toBe(5_000);
  expect((await endKey(world.db, id, 4_000, 5_000))?.expires_at_ms).toBe(5_000);
  expect(await revokeKeyRow(world.db, id, 7_000)).toMatchObject({ revoked_at_ms: 7_000, version: 4 });
  expect(await revokeKeyRow(world.db, id, 8_000)).toMatchObject({ revoked_at_ms: 7_000, version: 5 });
  expect(await endKey(world.db, id, 1, 1)).toBeNull();
  expect(await endKey(world.db, id, 1, 0)).toBeNull();
});

it("undoes a rotation in one, and restores only what nobody has changed since", async () => {
  const old = await insert({ expiresAtMs: 9_000 });
  const fresh = await insertSuccessor(world.db, old.id, { ...draft(), createdAtMs: 2_000 });
  const ended = await revokeKeyRow(world.db, old.id, 7_000);
  const before = await countKeys(world.db, world.a.org, 7_500);
  const stale = await undoRotation(
    world.db,
    fresh!.id,
    { ended: { ...ended!, version: 1 }, expiresAtMs: 9_000 },
    7_400,
  );
  expect(stale).toMatchObject([{ id: fresh!.id, revoked_at_ms: 7_400, version: 2 }]);
  expect(await countKeys(world.db, world.a.org, 7_500)).toBe(before - 1);
  const whole = await undoRotation(world.db, fresh!.id, { ended: ended!, expiresAtMs: 9_000 }, 7_600);
  expect(whole.find(({ id }) => id === fresh!.id)).toMatchObject({ revoked_at_ms: 7_400, version: 3 });
  expect(whole.find(({ id }) => id === old.id)).toMatchObject({
    revoked_at_ms: null,
    expires_at_ms: 9_000,
    version: 3,
  });
  expect(await countKeys(world.db, world.a.org, 7_500)).toBe(before);
});

it("lists by an index, without sorting", async () => {
  expect((await selectKeys(world.db, world.b.org, listStart, 9)).length).toBe(2);
  const plan = await world.select(
    "EXPLAIN QUERY PLAN SELECT * FROM keys WHERE org = ? AND (created_at_ms, id) < (?, ?) " +
      "ORDER BY created_at_ms DESC, id DESC LIMIT 1",
    "",
    1,
    "",
  );
  expect(plan.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH keys USING INDEX keys_by_org/)]);
});
