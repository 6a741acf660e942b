import { beforeAll, beforeEach, expect, test } from "vitest";
import { readOrgs } from "#edge/adapters/d1/orgs.ts";
import { DB, migrate } from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

beforeAll(migrate);
beforeEach(async () => void (await DB.exec("DELETE FROM orgs")));

const readAll = async (db: D1Database = DB, msMax = 20_000) => {
  const pages: string[][] = [];
  for await (const page of readOrgs(db, msMax)) pages.push(page);
  return pages;
};
const name = (number: number) => `org_${String(number).padStart(10, "0")}`;
/** Makes orgs from 1 to `count`, the last first: their age says nothing of their order. */
const makeOrgs = (count: number) =>
  DB.prepare(
    `WITH RECURSIVE numbers (n) AS (SELECT ?1 WHERE ?1 > 0 UNION ALL SELECT n - 1 FROM numbers WHERE n > 1)
     INSERT INTO orgs (id, name, plan, limits, created_at_ms)
     SELECT printf('org_%010d', n), 'x', 'free', '{}', 1000000 - n FROM numbers`,
  )
    .bind(count)
    .run();

test.each([
  [0, []],
  [1, [1]],
  [1_000, [1_000]],
  [1_001, [1_000, 1]],
  [2_500, [1_000, 1_000, 500]],
])("of %i orgs each is read once, a thousand at a time", async (count, sizes) => {
  await makeOrgs(count);
  const pages = await readAll();
  expect(pages.map(({ length }) => length)).toEqual(sizes);
  expect(pages.flat()).toEqual(Array.from({ length: count }, (_, index) => name(index + 1)));
});

test("a page is read only when the one before has been used", async () => {
  await makeOrgs(2_000);
  let statements = 0;
  const counting = { prepare: (sql: string) => (statements++, DB.prepare(sql)) } as unknown as D1Database;
  for await (const _ of readOrgs(counting, 20_000)) {
    expect(statements).toBe(1);
    break;
  }
  expect(statements).toBe(1);
});

test("a database that does not answer in time is out of reach, and one that fails fails", async () => {
  const answering = (answer: Promise<unknown>) =>
    ({ prepare: () => ({ bind: () => ({ all: () => answer }) }) }) as unknown as D1Database;
  await expect(readAll(answering(new Promise(() => undefined)), 20)).rejects.toThrow("orgs: no answer within 20 ms");
  await expect(readAll(answering(Promise.reject(new Error("D1 is down"))))).rejects.toThrow("D1 is down");
});
