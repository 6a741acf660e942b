import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { assembleScript } from "#edge/adapters/upstash/ledger/assemble.ts";
import { ledgerScript } from "#edge/adapters/upstash/ledger/script.ts";
import { windowNames } from "#edge/agreements/records/windows.ts";
import { findLuaFault, listGlobals } from "#infra/checks/lua/lua-fault.ts";

const files = globSync("edge/adapters/upstash/ledger/lua/*.lua");
const read = (name: string) => readFileSync(files.find((file) => basename(file) === `${name}.lua`) ?? "", "utf8");

test("the script is Lua 5.1 and takes from outside only what Redis has: no constant is left unwritten", () => {
  expect(findLuaFault(ledgerScript)).toBeNull();
  expect(listGlobals(ledgerScript)).toEqual(
    [
      "ARGV",
      "KEYS",
      "cjson",
      "ipairs",
      "math",
      "pairs",
      "redis",
      "string",
      "table",
      "tonumber",
      "type",
      "unpack",
    ].sort(),
  );
});

test("every window is written into the script from the table, and typed in no file of Lua", () => {
  for (const window of windowNames) {
    expect(ledgerScript).toContain(`"${window}"`);
    // The word for a denial by it is a word of its own.
    if (window !== "concurrency")
      expect(files.filter((file) => readFileSync(file, "utf8").includes(window))).toEqual([]);
  }
});

test("the counters that Redis stores keep their form: 11 numbers, then three sliding windows", () => {
  expect(ledgerScript).toContain('"0 0 0 0 0 0 0 0 0 0 0|||"');
  const pattern = /match\(text or "[^"]*", "(.*)"\)/.exec(ledgerScript)?.[1];
  expect(pattern).toBe("^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) ([^|]+)|([^|]*)|([^|]*)|([^|]*)$");
  expect(ledgerScript).toContain('format("%d %d %d %d %d %d %d %d %d %d %d"');
  const order = 'day = { "dayRequests", "dayTokens" }, month = { "monthTokens", "monthCost" }';
  expect(ledgerScript).toContain(`{ "minute", "hour", "tokens" }, { "day", "month" }, { ${order} }`);
});

test("its parts stand in it in their order, each once", () => {
  const [builtins, counters, state, leases, waiting] = ["--1", "--2", "--3", "--4\n", "--5\n"];
  const marks = { builtins, counters, state, leases, waiting, decide: "--6\n", settle: "--7\n", commands: "--8\n" };
  expect(assembleScript(marks).match(/--\d/g)).toEqual(["--1", "--2", "--3", "--4", "--5", "--6", "--7", "--8"]);
  for (const name of Object.keys(marks)) expect(read(name)).not.toBe("");
});
