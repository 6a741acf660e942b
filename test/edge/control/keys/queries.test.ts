import { expect, it } from "vitest";
import { countKeys, insertSuccessor } from "#edge/control/keys/insert-queries.ts";
import {
  endKey,
  findKey,
  KeyRow,
  revokeKeyRow,
  selectKeys,
  undoRotation,
  updateKey,
} from "#edge/control/keys/queries.ts";
import { z } from "zod";
import { listStart } from "#edge/control/http/fields.ts";
import { openDrafts, run } from "./drafts.ts";

const { place, draft, insert } = openDrafts();

it("hands back what was inserted, to its own org only", async () => {
  const row = await insert({ endpoints: ["models"], limits: { concurrency: null }, ipCidrs: ["::1"] });
  expect(row).toMatchObject({
    endpoints: ["models"],
    limits: { concurrency: null },
    ip_cidrs: ["::1"],
    models: null,
    version: 1,
  });
  expect(await findKey(place.world.db, place.world.a.org, row.id)).toEqual(row);
  expect(await findKey(place.world.db, place.world.b.org, row.id)).toBeNull();
});

it("shortens and never lengthens, and leaves revoked keys alone", async () => {
  const { id } = await insert();
  expect((await run(endKey(place.world.db, id, 4_000, 1_000)))?.expires_at_ms).toBe(5_000);
  expect((await run(endKey(place.world.db, id, 4_000, 5_000)))?.expires_at_ms).toBe(5_000);
  expect(await run(revokeKeyRow(place.world.db, id, 7_000))).toMatchObject({ revoked_at_ms: 7_000, version: 4 });
  expect(await run(revokeKeyRow(place.world.db, id, 8_000))).toMatchObject({ revoked_at_ms: 7_000, version: 5 });
  expect(await run(endKey(place.world.db, id, 1, 1))).toBeNull();
  expect(await run(endKey(place.world.db, id, 1, 0))).toBeNull();
});

it("undoes a rotation in one, and restores only what nobody has changed since", async () => {
  const old = await insert({ expiresAtMs: 9_000 });
  const fresh = await run(insertSuccessor(place.world.db, old.id, { ...draft(), createdAtMs: 2_000 }));
  const ended = await run(revokeKeyRow(place.world.db, old.id, 7_000));
  const before = await countKeys(place.world.db, place.world.a.org, 7_500);
  const undo = async (...asked: Parameters<typeof undoRotation>) =>
    z.array(KeyRow).parse((await undoRotation(...asked).all()).results);
  const stale = await undo(place.world.db, fresh!.id, { ended: { ...ended!, version: 1 }, expiresAtMs: 9_000 }, 7_400);
  expect(stale).toMatchObject([{ id: fresh!.id, revoked_at_ms: 7_400, version: 2 }]);
  expect(await countKeys(place.world.db, place.world.a.org, 7_500)).toBe(before - 1);
  const whole = await undo(place.world.db, fresh!.id, { ended: ended!, expiresAtMs: 9_000 }, 7_600);
  expect(whole.find(({ id }) => id === fresh!.id)).toMatchObject({ revoked_at_ms: 7_400, version: 3 });
  expect(whole.find(({ id }) => id === old.id)).toMatchObject({
    revoked_at_ms: null,
    expires_at_ms: 9_000,
    version: 3,
  });
  expect(await countKeys(place.world.db, place.world.a.org, 7_500)).toBe(before);
});

it("lists by an index, without sorting", async () => {
  expect((await selectKeys(place.world.db, place.world.b.org, { cursor: listStart, limit: 9 })).length).toBe(2);
  const plan = await place.world.select(
    "EXPLAIN QUERY PLAN SELECT * FROM keys WHERE org = ? AND (created_at_ms, id) < (?, ?) " +
      "ORDER BY created_at_ms DESC, id DESC LIMIT 1",
    "",
    1,
    "",
  );
  expect(plan.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH keys USING INDEX keys_by_org/)]);
});

it("gives a key to nobody who has left, and into no archived project (P4)", async () => {
  const { world } = place;
  const known = await insert();
  const give = async (fields: Partial<KeyRow>) => (await run(updateKey(world.db, { ...known, ...fields }, 1))) !== null;
  const { user } = await world.signIn(world.a.org, "viewer");
  const project = `proj_${"1".repeat(22)}`;
  expect([await give({ owner: user.replace(/.$/, "!") }), await give({ project })]).toEqual([false, false]);
  expect(await give({ owner: user })).toBe(true);
  await world.select("DELETE FROM members WHERE user = ?", user);
  expect(await give({ version: 2, owner: user, name: "y" })).toBe(true);
  expect(await give({ version: 3, owner: null })).toBe(true);
  expect(await give({ version: 4, owner: user })).toBe(false);
});
