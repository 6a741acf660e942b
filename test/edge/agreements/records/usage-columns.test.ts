import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toSnakeCase } from "#edge/agreements/names.ts";
import {
  amountColumns,
  listColumns,
  tokenColumns,
  usageColumnNames,
  usageColumns,
} from "#edge/agreements/records/usage-columns.ts";

test("the columns are those of the table in D1, in its order", () => {
  const migration = readFileSync("infra/migrations/0001_road.sql", "utf8");
  const table = /CREATE TABLE usage \(([^]*?)\n\) STRICT/.exec(migration)?.[1] ?? "";
  const inSql = Array.from(table.matchAll(/^\s+"?(\w+)"? (?:TEXT|INTEGER)/gm), ([, name]) => name);
  expect(usageColumnNames.map(toSnakeCase)).toEqual(inSql);
});

test("each column is listed under what it holds, and amounts are tokens, then money", () => {
  const kinds = ["text", "maybeText", "tokens", "money", "timeMs"] as const;
  expect(kinds.flatMap(listColumns).toSorted()).toEqual(usageColumnNames.toSorted());
  expect(amountColumns).toEqual([...tokenColumns, ...listColumns("money")]);
  expect(tokenColumns.every((name) => usageColumns[name].holds === "tokens")).toBe(true);
});
