import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Score } from "./score.ts";

const outcomesFile = ".penstock/mutate/lua.json";
/**
 * What else runs the script: the contract, and what the comparison with the pure ledger cannot see (the clock of Redis,
 * sweeping, the outbox). Not its slow tests.
 */
const otherTests = [
  "test/edge/adapters/upstash/ledger/ledger.test.ts",
  "test/edge/adapters/upstash/ledger/ledger.leases.test.ts",
  "test/edge/adapters/upstash/ledger/outbox.test.ts",
  "-t",
  "^(?!.*(model|storm|thousand)).*$",
];

/**
 * Mutates the ledger's Lua, which Stryker takes for text: every mutant has to differ from the pure ledger in some
 * history, or to fail another of the adapter's tests. What Redis does not compile is not counted. Needs redis-server.
 * `only` names one of the files, or the `faults` that were thought of.
 */
export function mutateLua(only: string): Score {
  if (!runTests({ MUTATE_PART: "upstash" }, otherTests)) throw new Error("the tests fail without a mutant");
  if (!runTests({ MUTATE_PART: "lua", LUA_FILE: only }, []))
    throw new Error("the mutants of the Lua could not be tried");
  const outcomes: { index: number; file: string; line: number; was: string; is: string; outcome: string }[] =
    JSON.parse(readFileSync(outcomesFile, "utf8"));
  const counted = outcomes.filter(({ outcome }) => outcome !== "invalid");
  const missed = counted.filter(
    ({ index, outcome }) =>
      outcome === "survived" && runTests({ MUTATE_PART: "upstash", LUA_MUTANT: String(index) }, otherTests),
  );
  const survivors = missed.map(({ file, line, was, is }) => `${file}:${line} '${was}' as '${is}'`);
  return { part: "lua", mutants: counted.length, noticed: counted.length - missed.length, survivors };
}

function runTests(settings: Record<string, string>, args: string[]): boolean {
  const command = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--config",
    "infra/checks/mutate/vitest.config.ts",
    "--silent",
    "--bail",
    "1",
    ...args,
  ];
  return spawnSync(process.execPath, command, { env: { ...process.env, ...settings }, stdio: "ignore" }).status === 0;
}
