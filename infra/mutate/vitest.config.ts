import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { parts } from "./parts.ts";

/** The tests of the part named in `MUTATE_PART`, each property from one seed, so that two runs of a mutant say the same. */
const part = parts[process.env["MUTATE_PART"] ?? ""];
if (!part) throw new Error("MUTATE_PART names no part");

process.env["SEED"] ??= "1";
process.env["TWIN_HISTORIES"] ??= "60";

export default defineConfig({
  plugins: part.runtime === "workerd" ? [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })] : [],
  test: { include: part.tests, setupFiles: ["infra/mutate/one-seed.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
});
