import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "#infra/local/stack.ts";
import type { Client } from "./catalog.ts";

/** What a client needs is not on this machine. */
export class MissingError extends Error {}

/**
 * Installs a client into a folder of its own, once a version, and returns that folder. Throws a MissingError where its
 * runtime or its packages cannot be had.
 */
export async function installClient({ name, runtime, packages }: Client): Promise<string> {
  const home = join(root, ".penstock/clients", name);
  const mark = join(home, "installed.json");
  const wanted = JSON.stringify(packages);
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return home;
  mkdirSync(home, { recursive: true });
  if (runtime === "node") {
    writeFileSync(join(home, "package.json"), '{"private":true,"type":"module"}');
    await must("npm", ["install", "--no-audit", "--no-fund", "--save-exact", ...packages], home);
  } else if (runtime === "go") {
    writeFileSync(join(home, "go.mod"), "module client\n\ngo 1.24\n");
    for (const one of packages) await must("go", ["get", one], home);
  } else {
    await must("python3", ["-m", "venv", "venv"], home);
    await must(join(home, "venv/bin/pip"), ["install", "-q", "--disable-pip-version-check", ...packages], home);
  }
  writeFileSync(mark, wanted);
  return home;
}

async function must(program: string, args: string[], cwd: string): Promise<void> {
  const { code, output } = await runProgram(program, args, { cwd, env: {}, msMax: 600_000 });
  if (code !== 0) throw new MissingError(`${program} ${args[0]} failed: ${output.trim().split("\n").at(-1) ?? ""}`);
}

/** How a program is run. */
export interface Running {
  cwd: string;
  env: Record<string, string>;
  msMax: number;
}

/** Runs a program to its end, or for `msMax`; its output is both of its streams, the last megabyte of them. */
export function runProgram(program: string, args: string[], { cwd, env, msMax }: Running) {
  const all = { ...process.env, PWD: cwd, ...env };
  const child = spawn(program, args, { cwd, env: all, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const take = (piece: Buffer) => (output = (output + piece.toString("utf8")).slice(-1_000_000));
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const timer = setTimeout(() => child.kill("SIGKILL"), msMax);
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once("error", (cause) => reject(new MissingError(`${program} cannot be run: ${cause.message}`)));
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}
