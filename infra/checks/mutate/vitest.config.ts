import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig, type Plugin } from "vitest/config";
import { luaText } from "../../lua-text.ts";
import { makeLuaMutants } from "./lua-mutants.ts";
import { parts } from "./parts.ts";

/**
 * The tests of the part named in `MUTATE_PART`, each property from one seed, so that two runs of a mutant say the same.
 * `LUA_MUTANT` is the place of a mutant in `luaMutants()`: its script is the ledger's.
 */
const part = parts[process.env["MUTATE_PART"] ?? ""];
if (!part) throw new Error("MUTATE_PART names no part");

/** A command of the model costs ten times as much where a ledger is not in memory. */
const env = { SEED: "1", TWIN_HISTORIES: "20", ...(part.isSlow && { MODEL_RUNS: "8" }) };

function withMutant(index: number): Plugin {
  const { script } = makeLuaMutants()[index] ?? { script: "" };
  return {
    name: "lua-mutant",
    enforce: "pre",
    load: (id) =>
      id.endsWith("/adapters/upstash/ledger/script.ts")
        ? `export const ledgerScript = ${JSON.stringify(script)};`
        : undefined,
  };
}

const mutant = process.env["LUA_MUTANT"];
const workerd = part.runtime === "workerd" ? [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })] : [];

export default defineConfig({
  plugins: [luaText(), ...workerd, ...(mutant === undefined ? [] : [withMutant(Number(mutant))])],
  test: {
    include: part.tests,
    env,
    // The cache knows a module by its file, not by what a plugin made of it.
    fsModuleCache: mutant === undefined,
    setupFiles: ["infra/checks/mutate/one-seed.ts"],
    // One workerd for all files of a run: each start takes seconds.
    isolate: part.runtime !== "workerd",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
