import { beforeAll, expect, test } from "vitest";
import {
  listOrgs,
  listOrgsWithHolds,
  readChanges,
  restoreOrg,
  writeSnapshot,
} from "#edge/adapters/durable-object/ledger/journal/ledger-restore.ts";
import { makeRecord, makeRequest, granted } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openShard, openWith, readState } from "../ledger-world.ts";

beforeAll(migrate);

test("an org is its snapshot and its own later changes, whatever its neighbours did in between", async () => {
  const one = await openWith({}, openShard);
  const other = await openWith({}, openShard);
  const call = async ({ ledger, org }: typeof one) => granted(await ledger.admit(makeRequest(org))).hold;
  const [first] = [await call(one), await call(other)];
  const saved = await readState(one.org);
  await insides(one.org, (_, { storage: { sql } }) => {
    const { seq } = sql.exec<{ seq: number }>("SELECT max(seq) AS seq FROM holds").one();
    writeSnapshot(sql, one.org, seq, saved);
    expect(listOrgsWithHolds(sql)).toContain(one.org);
    expect(listOrgs(sql)).toEqual(expect.arrayContaining([one.org, other.org]));
  });
  await one.ledger.settle(one.org, [makeRecord(one.org, first)]);
  await call(other);
  await call(one);
  const [mine, others] = [await readState(one.org), await readState(other.org)];
  await insides(one.org, (_, { storage: { sql } }) => {
    const changes = readChanges(sql, 0);
    const seqs = [...changes.values()].flat().map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(seqs.length);
    for (const some of changes.values()) expect(some).toEqual(some.toSorted((a, b) => a.seq - b.seq));
    // What the snapshot has is not done again, though it is among the changes.
    expect(restoreOrg(sql, one.org, changes.get(one.org) ?? [])?.state).toEqual(mine);
    expect(restoreOrg(sql, other.org, changes.get(other.org) ?? [])?.state).toEqual(others);
    expect(restoreOrg(sql, one.org, [])?.state).toEqual(saved);
    expect(restoreOrg(sql, "org_1nobody000", [])).toBeNull();
  });
});
