import { beforeAll, expect, test } from "vitest";
import { hasTables, schema } from "#edge/adapters/durable-object/ledger/journal/ledger-schema.ts";
import { upgradeJournal } from "#edge/adapters/durable-object/ledger/journal/ledger-upgrade.ts";
import { freshOrg, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { rewriteInFormat3 } from "#test/contracts/ledger/ledger-old-format.ts";
import { insides, migrate, openStub } from "../ledger-world.ts";

beforeAll(migrate);

/** Tables, columns and indexes, but for the default that names an old object's org. */
function describeTables(sql: SqlStorage) {
  const tables = sql.exec<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name",
  );
  const columns = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY name';
  const indexes = sql.exec(
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
  );
  return {
    tables: Array.from(tables, ({ name }) => [name, sql.exec(columns, name).toArray()]),
    indexes: indexes.toArray(),
  };
}

test("an object has tables once they are made; one that was upgraded has the same as a new one", async () => {
  const org = freshOrg();
  await openStub(org).inspect(org);
  await insides(org, (_, { storage: { sql } }) => {
    expect(hasTables(sql)).toBe(false);
    sql.exec(schema);
    expect(hasTables(sql)).toBe(true);
    const fresh = describeTables(sql);
    const body = JSON.stringify(orgRecord(org, {}));
    sql.exec("INSERT INTO records (id, body, org) VALUES (?, ?, ?)", org, body, org);
    rewriteInFormat3(sql);
    expect(describeTables(sql)).not.toEqual(fresh);
    expect([upgradeJournal(sql), upgradeJournal(sql)]).toEqual([true, false]);
    expect(describeTables(sql)).toEqual(fresh);
    expect(sql.exec("SELECT org FROM records").toArray()).toEqual([{ org }]);
  });
});
