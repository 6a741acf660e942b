import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";
import { mutateLua } from "./lua.ts";
import { parts } from "./parts.ts";
import type { Score } from "./score.ts";

const usage = `node infra/checks/mutate/mutate.ts [PART]... [--force] [--concurrency N]
  PART             ${Object.keys(parts).join(", ")}; all of them when none is named
  --force          tries every mutant again; else only those that survived,
                   or whose code or tests have changed since the last run
  --concurrency N  2 by default
  --file NAME      of the Lua only this file, as in 'leases', or the 'faults' that were thought of
  --timeout MS     how much longer than four times its tests' time a mutant may take: 60,000 by default`;

/**
 * Stryker would reuse the last run's result for a surviving mutant of a constant, even when tests have been added
 * since: survivors are tried again.
 */
function forgetSurvivors(file: string): void {
  if (!existsSync(file)) return;
  const report: { files: Record<string, { mutants: { status: string }[] }> } = JSON.parse(readFileSync(file, "utf8"));
  for (const each of Object.values(report.files))
    each.mutants = each.mutants.filter(({ status }) => status === "Killed" || status === "Timeout");
  writeFileSync(file, JSON.stringify(report));
}

async function mutatePart(part: string, concurrency: number, timeoutMs: number, force: boolean): Promise<Score> {
  const { mutate } = parts[part] ?? { mutate: [] };
  process.env["MUTATE_PART"] = part;
  const incrementalFile = `.penstock/mutate/${part}.json`;
  forgetSurvivors(incrementalFile);
  const results = await new Stryker({
    mutate,
    testRunner: "vitest",
    vitest: { configFile: "infra/checks/mutate/vitest.config.ts", related: false },
    coverageAnalysis: "perTest",
    incremental: true,
    incrementalFile,
    force,
    concurrency,
    // On a busy machine a mutant that is only slow must not count as one that never ends.
    timeoutMS: timeoutMs,
    timeoutFactor: 4,
    tempDirName: ".penstock/mutate/sandboxes",
    ignorePatterns: [".penstock", ".wrangler", "dist", "docs"],
    reporters: ["progress-append-only", "clear-text"],
    clearTextReporter: {
      allowColor: false,
      allowEmojis: false,
      logTests: false,
      reportTests: false,
      reportScoreTable: true,
    },
    allowConsoleColors: false,
  }).runMutationTest();
  const counted = results.filter(({ status }) => status !== "Ignored" && status !== "CompileError");
  const missed = counted.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  const survivors = missed.map(
    ({ fileName, location, mutatorName }) => `${fileName}:${location.start.line} ${mutatorName}`,
  );
  return { part, mutants: counted.length, noticed: counted.length - missed.length, survivors };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      force: { type: "boolean", default: false },
      concurrency: { type: "string", default: "2" },
      file: { type: "string", default: "" },
      timeout: { type: "string", default: "60000" },
      help: { type: "boolean", default: false },
    },
  });
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
  const unknown = chosen.find((name) => !(name in parts));
  if (values.help || unknown !== undefined) {
    console.log(unknown === undefined ? usage : `no part '${unknown}'\n${usage}`);
    return unknown === undefined ? 0 : 2;
  }
  const scores: Score[] = [];
  for (const part of chosen)
    scores.push(
      part === "lua"
        ? mutateLua(values.file)
        : await mutatePart(part, Number(values.concurrency), Number(values.timeout), values.force),
    );
  for (const { part, mutants, noticed, survivors } of scores) {
    console.log(
      [`\n${part}: ${((100 * noticed) / mutants).toFixed(1)} % of ${mutants} mutants are noticed`, ...survivors].join(
        "\n  ",
      ),
    );
  }
  return 0;
}

process.exitCode = await main();
