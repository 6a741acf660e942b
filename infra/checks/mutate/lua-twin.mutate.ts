import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { checkTwin } from "#test/contracts/ledger/ledger-twin.ts";
import { openWorld } from "#test/edge/adapters/upstash/redis-world.ts";
import { checkCalendar, checkSlides } from "#test/edge/adapters/upstash/ledger/script-checks.ts";
import { scriptTwin } from "#test/edge/adapters/upstash/ledger/script-twin.ts";
import { makeLuaMutants, type LuaMutant } from "./lua-mutants.ts";

/** How many histories a mutant has to pass, and how long it may take: one that never ends stops Redis itself. */
const numRuns = 120;
const waitMsMax = 240_000;
const stuckMsMax = 20_000;

type MutantOutcome = "invalid" | "noticed" | "survived";

/**
 * Runs the tests that compare the Lua with the pure ledger against every mutant. `lua.ts` starts this, and runs the
 * other tests against those that survive.
 */
test("every mutant of the Lua is tried", { timeout: 36_000_000 }, async () => {
  const world = await openWorld("everysec");
  const redis = new Redis(world.redis.server.port, "127.0.0.1", { stringNumbers: true, commandTimeout: stuckMsMax });
  redis.on("error", () => undefined);
  const tryMutant = async ({ script }: LuaMutant): Promise<MutantOutcome> => {
    if (
      !(await redis.script("LOAD", script).then(
        () => true,
        () => false,
      ))
    )
      return "invalid";
    const late = new Promise<MutantOutcome>((resolve) => void setTimeout(() => resolve("noticed"), waitMsMax).unref());
    const check = async () => {
      await checkCalendar(redis, script);
      await checkSlides(redis, script);
      await checkTwin(scriptTwin(redis, script), { numRuns, maxSteps: 60 });
    };
    return Promise.race([
      late,
      check().then(
        (): MutantOutcome => "survived",
        (): MutantOutcome => "noticed",
      ),
    ]);
  };
  const outcomes: (Omit<LuaMutant, "script"> & { index: number; outcome: MutantOutcome })[] = [];
  const only = process.env["LUA_FILE"] ?? "";
  for (const [index, mutant] of makeLuaMutants().entries()) {
    if (only === "faults" ? !mutant.isFault : !mutant.file.endsWith(`${only}.lua`)) continue;
    const { script: _, ...change } = mutant;
    outcomes.push({ index, ...change, outcome: await tryMutant(mutant) });
    // A script that does not end is ended with its Redis.
    if ((await redis.ping().catch(() => "gone")) !== "PONG") await world.crash();
  }
  redis.disconnect();
  await world.close();
  const out = ".penstock/mutate/lua.json";
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, JSON.stringify(outcomes));
  expect(outcomes.some(({ outcome }) => outcome === "noticed")).toBe(true);
});
