import { beforeAll, expect, test } from "vitest";
import { schema } from "#edge/adapters/durable-object/ledger/journal/ledger-schema.ts";
import {
  deleteRows,
  findLastSeq,
  hasRows,
  insertRows,
  listRows,
  readSteps,
  writeStep,
  type OrgRows,
} from "#edge/adapters/durable-object/ledger/moves/org-rows.ts";
import { freshOrg } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openStub } from "../ledger-world.ts";

beforeAll(migrate);

async function onSql<T>(look: (sql: SqlStorage) => T): Promise<T> {
  const place = freshOrg();
  await openStub(place).inspect(place);
  return insides(place, (_, { storage }) => {
    storage.sql.exec(schema);
    return look(storage.sql);
  });
}

const [org, other] = [freshOrg(), freshOrg()];

test("an org's rows are listed in parts of five thousand; taken in, twice or not, they are the same rows", async () => {
  const parts = await onSql((sql) => {
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
       INSERT INTO holds (seq, id, hold, org) SELECT i, 'h' || i, '{}', iif(i % 2, ?, ?) FROM n`,
      org,
      other,
    );
    sql.exec("INSERT INTO records (id, body, org) VALUES (?, '{}', ?), (?, '{}', ?)", org, org, other, other);
    sql.exec("INSERT INTO snapshots (org, part, seq, open_holds, body) VALUES (?, 1, 11, 0, '{}')", org);
    sql.exec("UPDATE progress SET drained = 7");
    const listed: OrgRows[] = [listRows(sql, org, 0)];
    listed.push(listRows(sql, org, Number(listed[0]?.holds.at(-1)?.["seq"])));
    expect(listed.map(({ holds, rest }) => [holds.length, rest === null])).toEqual([
      [5_000, true],
      [1_000, false],
    ]);
    expect(listed[1]?.rest).toMatchObject({ records: [{ id: org }], snapshots: [{ seq: 11 }], drained: 7 });
    deleteRows(sql, org);
    expect([hasRows(sql, org), hasRows(sql, other)]).toEqual([false, true]);
    expect(sql.exec("SELECT count(*) AS n FROM holds").one()).toEqual({ n: 6_000 });
    return listed;
  });
  await onSql((sql) => {
    for (const part of [parts[0]!, parts[0]!, ...parts, parts[1]!]) insertRows(sql, part);
    expect(findLastSeq(sql)).toBe(11_999);
    expect([listRows(sql, org, 0), listRows(sql, org, 9_999)]).toEqual(parts);
    expect(sql.exec("SELECT compacted, drained FROM progress").one()).toEqual({ compacted: 11, drained: 7 });
  });
});

test("how far a move is, is known after a start", () =>
  onSql((sql) => {
    writeStep(sql, org, "frozen");
    writeStep(sql, other, "arriving");
    writeStep(sql, org, "forwarded");
    expect(readSteps(sql)).toEqual(
      new Map([
        [org, "forwarded"],
        [other, "arriving"],
      ]),
    );
  }));
