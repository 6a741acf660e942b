import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./catalog.ts";
import type { ClientStage } from "./client-stage.ts";
import { runProgram } from "./install.ts";

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
  const programs = { node: [process.execPath], python: [join(home, "venv/bin/python")], go: ["go", "run", "-mod=mod"] };
  const [program = "", ...args] = programs[runtime];
  const { code, output } = await runProgram(program, [...args, script], { cwd: home, env, msMax: scriptMsMax });
  const findings = output.split("\n").flatMap(readFinding);
  if (findings.length > 0 && (code === 0 || findings.some(({ result }) => result === "failed"))) return findings;
  return [...findings, { what: script, result: "failed", why: output.trim().split("\n").slice(-3).join(" | ") }];
}

function readFinding(line: string): Finding[] {
  const [, result, what = "", why = ""] = /^(ok|failed) {1,2}([^:]+)(?:: (.*))?$/.exec(line) ?? [];
  return result === "ok" || result === "failed" ? [{ what, result, why }] : [];
}
