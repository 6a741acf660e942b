import { beforeAll, expect, test } from "vitest";
import { freshOrg, makeRequest, granted, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { migrate, openObject, openShard, openWith } from "../ledger-world.ts";

beforeAll(migrate);

/** As a promise of its own: that of a stub is looked at twice. */
const run = async (work: () => Promise<unknown>): Promise<unknown> => work();

// Whole moves, and those that break: ledger-mover.test.ts. Here, each step at the wrong time.
test("an object that an org has not come to takes no rows of it, and serves it as unpublished", async () => {
  const org = freshOrg();
  const own = openObject(org);
  const rest = { records: [], left_keys: [], snapshots: [], drained: 0 };
  await own.takeRows(org, { holds: [], rest });
  expect(await own.inspect(org)).toBeNull();
  expect(await own.beginArrival(org)).toEqual({ kind: "arriving", seq: 0 });
  await expect(run(() => own.publish(orgRecord(org, {})))).rejects.toThrow("being moved");
  await own.takeRows(org, { holds: [], rest });
  expect(await own.beginArrival(org)).toEqual({ kind: "arrived" });
  await own.publish(orgRecord(org, {}));
  // A part that comes late changes nothing.
  await own.takeRows(org, { holds: [], rest });
  expect(await own.inspect(org)).toMatchObject({ org });
});

test("a shard forwards no org that it serves, and freezes none that it has forwarded", async () => {
  const { org, ledger } = await openWith({}, openShard);
  const shard = openObject("shard-1-7");
  await expect(run(() => shard.forward(org))).rejects.toThrow("two ledgers");
  granted(await ledger.admit(makeRequest(org)));
  await shard.freeze(org);
  await shard.freeze(org);
  await shard.forward(org);
  await shard.freeze(org);
  expect(await shard.inspect(org)).toEqual({ kind: "moved" });
  expect(await shard.list(org, 0)).toEqual({ kind: "moved" });
});
