import { expect, test } from "vitest";
import { listNames, mapNames, toSnakeCase } from "#edge/agreements/names.ts";

test("the names of a table keep their order, and a value is made for each of them", () => {
  const names = listNames({ promptTokens: 1, end: 2 });
  expect(names).toEqual(["promptTokens", "end"]);
  expect(mapNames(names, (name) => name.length)).toEqual({ promptTokens: 12, end: 3 });
});

test("a name of TypeScript becomes the name of a column", () => {
  expect(["hold", "promptTokens", "admittedAtMs"].map(toSnakeCase)).toEqual([
    "hold",
    "prompt_tokens",
    "admitted_at_ms",
  ]);
});
