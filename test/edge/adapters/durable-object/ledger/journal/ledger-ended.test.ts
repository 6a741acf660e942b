import { beforeAll, expect, test } from "vitest";
import { writeOne } from "#edge/adapters/durable-object/ledger/journal/ledger-changes.ts";
import { findEnded } from "#edge/adapters/durable-object/ledger/journal/ledger-ended.ts";
import { makeRecord, makeRequest, granted } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openShard, openWith } from "../ledger-world.ts";

beforeAll(migrate);

test("ended holds are found together as one by one: an org's own, with what came late of them", async () => {
  const { ledger, org } = await openWith({}, openShard);
  const other = await openWith({}, openShard);
  const admit = async (of = ledger, whose = org) => {
    const request = makeRequest(whose, { ttlMs: 60_000 });
    return granted(await of.admit(request)).hold;
  };
  const [settled, released, expired, adjusted] = [await admit(), await admit(), await admit(), await admit()];
  const swept = "hold_0000000000000000000000";
  const theirs = await admit(other.ledger, other.org);
  await ledger.settle(org, [makeRecord(org, settled)]);
  await ledger.release(org, released);
  await other.ledger.settle(other.org, [makeRecord(other.org, theirs)]);
  other.clock.advance(60_001);
  await ledger.settle(org, [makeRecord(org, adjusted, { completionTokens: 3 })]);
  const open = await admit();
  await insides(org, (_, { storage: { sql } }) => {
    // Of a call whose lease was gone there is a late row alone.
    const { hold, closing } = findEnded(sql, org, [settled]).get(settled) ?? expect.fail("not found");
    const late = { kind: "late", hold: { ...hold, id: swept }, closing: { ...closing, end: "adjusted" } } as const;
    writeOne(sql, { org, seq: 1_000, change: late });
    const holds = [open, settled, theirs, expired, swept, adjusted, "hold_none", released];
    const found = findEnded(sql, org, holds);
    expect(Array.from(found, ([id, ended]) => [id, ended.hold.id, ended.closing.end, ended.isAdjusted])).toEqual([
      [settled, settled, "completed", false],
      [expired, expired, "expired", false],
      [swept, swept, "adjusted", false],
      [adjusted, adjusted, "expired", true],
      [released, released, "released", false],
    ]);
    for (const id of holds) expect(findEnded(sql, org, [id]).get(id)).toEqual(found.get(id));
    expect(Array.from(findEnded(sql, other.org, holds).keys())).toEqual([theirs]);
    expect(findEnded(sql, org, []).size).toBe(0);
  });
});
