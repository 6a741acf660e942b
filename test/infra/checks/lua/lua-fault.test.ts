import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { findLuaFault, listGlobals } from "#infra/checks/lua/lua-fault.ts";

test("every file of Lua parses, alone", () => {
  const files = globSync("{edge,infra,origin}/**/*.lua");
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap((file) => findLuaFault(readFileSync(file, "utf8")) ?? [])).toEqual([]);
});

test("what is not Lua 5.1 is named with its line", () => {
  expect(findLuaFault("local one = 1\nlocal two = = 2")).toMatch(/^\[2:/);
  expect(findLuaFault("goto out")).not.toBeNull();
});

test("the names that a text takes from outside are listed once, sorted", () => {
  expect(listGlobals("local one = two + three(two)")).toEqual(["three", "two"]);
});
