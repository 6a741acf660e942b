import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "#infra/local/stack.ts";
import type { Client } from "./catalog.ts";

const installMsMax = 1_200_000;

/** What a client needs is not on this machine. */
export class MissingError extends Error {}

/**
 * Installs a client into a folder of its own, once a version, and returns that folder. Throws a MissingError where its
 * runtime or its packages cannot be had.
 */
export async function installClient(client: Client): Promise<string> {
  const { name, packages, without = [] } = client;
  const home = join(root, ".penstock/clients", name);
  const mark = join(home, "installed.json");
  const wanted = JSON.stringify([...packages, ...without.map((one) => `without ${one}`)]);
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return home;
  mkdirSync(home, { recursive: true });
  await installers[client.runtime](home, packages, without);
  writeFileSync(mark, wanted);
  return home;
}

type Installer = (home: string, packages: readonly string[], without: readonly string[]) => Promise<void>;

const installers: Readonly<Record<Client["runtime"], Installer>> = {
  async node(home, packages) {
    writeFileSync(join(home, "package.json"), '{"private":true,"type":"module"}');
    await must("npm", ["install", "--no-audit", "--no-fund", "--save-exact", ...packages], home);
  },
  async go(home, packages) {
    writeFileSync(join(home, "go.mod"), "module client\n\ngo 1.24\n");
    for (const one of packages) await must("go", ["get", one], home);
  },
  async java(home, packages) {
    writeFileSync(join(home, "pom.xml"), writePom(packages));
    await must("javac", ["-version"], home);
    // Else an older version's would stand beside it.
    rmSync(join(home, "lib"), { recursive: true, force: true });
    await must("mvn", ["-q", "-B", mavenGoal, "-DoutputDirectory=lib"], home);
  },
  async python(home, packages, without) {
    await must("python3", ["-m", "venv", "venv"], home);
    const pip = (args: readonly string[]) =>
      must(join(home, "venv/bin/pip"), ["install", "-q", "--disable-pip-version-check", ...args], home);
    if (without.length === 0) {
      await pip(packages);
      return;
    }
    // pip cannot leave out what a package requires: the packages alone first, then what they require.
    await pip(["--no-deps", ...packages]);
    const names = packages.map((one) => one.split(/[=[]/)[0] ?? one);
    const listed = await must(join(home, "venv/bin/python"), ["-c", listRequired, ...names], home);
    const isLeftOut = (line: string) => without.includes(/^[\w.-]+/.exec(line)?.[0] ?? "");
    await pip(listed.split("\n").filter((line) => line !== "" && !isLeftOut(line)));
  },
};

const mavenGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

function writePom(packages: readonly string[]): string {
  const dependencies = packages.map((one) => {
    const [group, artifact, version] = one.split(":");
    const name = `<groupId>${group}</groupId><artifactId>${artifact}</artifactId>`;
    return `<dependency>${name}<version>${version}</version></dependency>`;
  });
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    "<groupId>client</groupId><artifactId>client</artifactId><version>1</version>",
    `<dependencies>${dependencies.join("")}</dependencies></project>`,
  ].join("\n");
}

/** Prints what the named packages require without extras, a line each. */
const listRequired = `import importlib.metadata, sys
for name in sys.argv[1:]:
    for line in importlib.metadata.requires(name) or []:
        if "extra ==" not in line: print(line)`;

/** Runs a step of an installation, and gives what it printed. */
async function must(program: string, args: string[], cwd: string): Promise<string> {
  const { code, output } = await runProgram(program, args, { cwd, env: {}, msMax: installMsMax });
  if (code !== 0) throw new MissingError(`${program} ${args[0]} failed: ${output.trim().split("\n").at(-1) ?? ""}`);
  return output;
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
