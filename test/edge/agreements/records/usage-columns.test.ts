import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toSnakeCase } from "#edge/agreements/names.ts";
import {
  amountColumns,
  listColumns,
  countColumns,
  usageColumnNames,
  usageColumns,
} from "#edge/agreements/records/usage-columns.ts";

test("the columns are those of the table in D1, in its order", () => {
  const migration = readFileSync("infra/migrations/0001_road.sql", "utf8");
  const table = /CREATE TABLE usage \(([^]*?)\n\) STRICT/.exec(migration)?.[1] ?? "";
  const made = Array.from(table.matchAll(/^\s+"?(\w+)"? (?:TEXT|INTEGER)/gm), ([, name]) => name);
  const added = readdirSync("infra/migrations").flatMap((name) =>
    Array.from(
      readFileSync(`infra/migrations/${name}`, "utf8").matchAll(/ALTER TABLE usage ADD COLUMN (\w+)/g),
      ([, column]) => column,
    ),
  );
  expect(usageColumnNames.map(toSnakeCase)).toEqual([...made, ...added]);
});

test("each column is listed under what it holds, and amounts are counts, then money", () => {
  const kinds = ["text", "maybeText", "count", "money", "timeMs", "maybeMs"] as const;
  expect(kinds.flatMap(listColumns).toSorted()).toEqual(usageColumnNames.toSorted());
  expect(amountColumns).toEqual([...countColumns, ...listColumns("money")]);
  expect(countColumns.every((name) => usageColumns[name].holds === "count")).toBe(true);
});
