import { beforeAll, expect, test } from "vitest";
import { schema } from "#edge/adapters/durable-object/ledger/journal/ledger-schema.ts";
import {
  dropKeys,
  findLeftVersion,
  planMissingLeaves,
  readRecords,
  storeRecord,
} from "#edge/adapters/durable-object/ledger/journal/ledger-records.ts";
import { createState } from "#edge/ledger/state.ts";
import { keyRetentionMs } from "#edge/limits.ts";
import { freshOrg, keyId, keyRecord, noon, orgRecord, projectRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openStub } from "../ledger-world.ts";

beforeAll(migrate);

/** Runs over the SQLite of an object that nobody has published to. */
async function onSql<T>(look: (sql: SqlStorage) => T): Promise<T> {
  const org = freshOrg();
  await openStub(org).inspect(org);
  return insides(org, (_, { storage }) => {
    storage.sql.exec(schema);
    return look(storage.sql);
  });
}

test("records come back as they were stored, each with the time when it leaves", () =>
  onSql((sql) => {
    const org = freshOrg();
    storeRecord(sql, orgRecord(org, {}), null);
    storeRecord(sql, keyRecord(org, 1), 7);
    storeRecord(sql, keyRecord(org, 1, { version: 2 }), null);
    storeRecord(sql, keyRecord(org, 2), noon);
    const state = createState();
    readRecords(sql, org, state);
    expect(state.org).toEqual(orgRecord(org, {}));
    expect(Object.values(state.keys)).toEqual([keyRecord(org, 1, { version: 2 }), keyRecord(org, 2)]);
    expect(state.leaving).toEqual({ [keyId(org, 2)]: noon });
  }));

test("projects come back beside the keys; no org takes the place of a neighbour's", () =>
  onSql((sql) => {
    const [org, neighbour] = [freshOrg(), freshOrg()];
    storeRecord(sql, projectRecord(org, 1), null);
    storeRecord(sql, projectRecord(org, 1, { isArchived: true, version: 2 }), null);
    storeRecord(sql, projectRecord(neighbour, 1), null);
    const stolen = { ...projectRecord(org, 1, { version: 3 }), org: neighbour };
    expect(() => storeRecord(sql, stolen, null)).toThrow("'id' is not acceptable");
    const state = createState();
    readRecords(sql, org, state);
    expect([state.keys, state.leaving]).toEqual([{}, {}]);
    expect(Object.values(state.projects)).toEqual([projectRecord(org, 1, { isArchived: true, version: 2 })]);
  }));

test("of keys that were dropped the version is known, until they are stored again", () =>
  onSql((sql) => {
    const org = freshOrg();
    const keys = [1, 2, 3].map((n) => keyRecord(org, n, { version: n }));
    for (const key of keys) storeRecord(sql, key, noon);
    dropKeys(sql, keys.slice(1));
    const state = createState();
    readRecords(sql, org, state);
    expect(Object.keys(state.keys)).toEqual([keyId(org, 1)]);
    const versions = () => [1, 2, 3].map((n) => findLeftVersion(sql, org, keyId(org, n)));
    expect(versions()).toEqual([null, 2, 3]);
    storeRecord(sql, keyRecord(org, 3, { version: 4 }), null);
    expect(versions()).toEqual([null, 2, null]);
  }));

test("what has no time to leave gets one, of keys that end only, and keeps it", () =>
  onSql((sql) => {
    const org = freshOrg();
    const state = createState();
    state.atMs = noon;
    for (const key of [keyRecord(org, 1), keyRecord(org, 2, { isRevoked: true })]) storeRecord(sql, key, null);
    storeRecord(sql, keyRecord(org, 3, { isRevoked: true }), 5);
    readRecords(sql, org, state);
    planMissingLeaves(sql, state);
    const planned = { [keyId(org, 2)]: noon + keyRetentionMs, [keyId(org, 3)]: 5 };
    expect(state.leaving).toEqual(planned);
    const again = createState();
    readRecords(sql, org, again);
    expect(again.leaving).toEqual(planned);
  }));
