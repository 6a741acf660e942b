import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./catalog.ts";
import type { ClientStage } from "./client-stage.ts";
import { runProgram, type Running } from "./install.ts";

/** One thing that a client tried. */
export interface Finding {
  what: string;
  result: "ok" | "failed" | "missing";
  why: string;
}

/** Go compiles first. */
const scriptMsMax = 600_000;

/**
 * Runs a client's script where its packages are. It prints `ok WHAT`, or `failed WHAT: WHY`, a line each; one that
 * prints nothing has failed.
 */
export async function runScript(client: Client, home: string, { env }: ClientStage): Promise<Finding[]> {
  const { runtime, script } = client;
  if (script === null) throw new TypeError(`${client.name} has no script`);
  const from = new URL(`${runtime}/`, import.meta.url).pathname;
  // Node looks for packages where a script lies.
  for (const file of readdirSync(from)) copyFileSync(join(from, file), join(home, file));
  const { code, output } = await runSteps(listSteps(runtime, script, home), { cwd: home, env, msMax: scriptMsMax });
  const findings = output.split("\n").flatMap(readFinding);
  if (findings.length > 0 && (code === 0 || findings.some(({ result }) => result === "failed"))) return findings;
  return [...findings, { what: script, result: "failed", why: output.trim().split("\n").slice(-3).join(" | ") }];
}

/** The commands that run a script, in order; Java's compiler is one of its own, since it has several files. */
function listSteps(runtime: Client["runtime"], script: string, home: string): readonly [string, ...string[]][] {
  if (runtime === "node") return [[process.execPath, script]];
  if (runtime === "python") return [[join(home, "venv/bin/python"), script]];
  if (runtime === "go") return [["go", "run", "-mod=mod", script]];
  return [
    ["javac", "-nowarn", "-cp", "lib/*", "-d", "classes", "Check.java", script],
    ["java", "-cp", "classes:lib/*", script.replace(/\.java$/, "")],
  ];
}

/** Runs commands one after the other, until one fails; the answer is the last one's. */
async function runSteps(steps: readonly [string, ...string[]][], running: Running) {
  let last: { code: number | null; output: string } = { code: 0, output: "" };
  for (const [program, ...args] of steps) {
    last = await runProgram(program, args, running);
    if (last.code !== 0) break;
  }
  return last;
}

function readFinding(line: string): Finding[] {
  const [, result, what = "", why = ""] = /^(ok|failed) {1,2}([^:]+)(?:: (.*))?$/.exec(line) ?? [];
  return result === "ok" || result === "failed" ? [{ what, result, why }] : [];
}
