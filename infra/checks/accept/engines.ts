import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "#infra/local/child.ts";

/**
 * A vLLM that serve.sh keeps. `pid` leads the process group of the server and its engine core; `keeper` is the
 * serve.sh.
 */
export interface RunningEngine {
  kind: "chat" | "embed" | "think";
  url: string;
  port: number;
  pid: number;
  keeper: number;
  startedInS: number;
}

const script = new URL("serve.sh", import.meta.url).pathname;
/** Where the Python environment, the model and the logs of acceptance are kept. */
export const folder =
  process.env["PENSTOCK_ACCEPT_DIR"] ?? new URL("../../../.penstock/accept", import.meta.url).pathname;
const list = join(folder, "engines.json");
const stopMsMax = 25_000;

/** Makes the Python environment and the model where they are absent. Throws when it cannot. */
export async function setUp(): Promise<void> {
  const child = spawn("bash", [script, "setup"], { stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`serve.sh setup failed with ${String(code)}`);
}

/**
 * Engines that an earlier run with --keep left running, if all of them are alive and every kind that is needed is among
 * them; otherwise none, and those that remain are stopped.
 */
export async function findKept(kinds: RunningEngine["kind"][]): Promise<RunningEngine[]> {
  const known = readList();
  const living = await Promise.all(
    known.map(({ url }) =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    ),
  );
  const hasAll = kinds.every((kind) => known.some((one) => one.kind === kind));
  if (hasAll && living.every(Boolean)) return known;
  await stopEngines(known);
  return [];
}

/** The first keeps its OpenAPI closed, as a node's does and the recordings have it; the others show it. */
const showsDocuments = ["--", "--no-disable-fastapi-docs"];

/**
 * Starts one serve.sh per kind, so that the death of one engine does not end the others, and waits until all are
 * healthy.
 */
export async function startEngines(
  kinds: RunningEngine["kind"][],
  isKept: boolean,
  onBegun: (keeper: number) => void,
): Promise<RunningEngine[]> {
  const ports = await freePorts(kinds.length);
  return Promise.all(
    kinds.map((kind, at) => {
      const flags = at === 0 ? [] : showsDocuments;
      return startEngine({ kind, port: ports[at] ?? 0, flags }, isKept, onBegun);
    }),
  );
}

async function startEngine(
  { kind, port, flags }: Pick<RunningEngine, "kind" | "port"> & { flags: string[] },
  isKept: boolean,
  onBegun: (keeper: number) => void,
): Promise<RunningEngine> {
  mkdirSync(join(folder, "log"), { recursive: true });
  const log = join(folder, "log", `serve-${port}.log`);
  const output = openSync(log, "w");
  // A group of its own: Ctrl-C reaches it through us alone, once.
  const child = spawn("bash", [script, kind, String(port), ...flags], {
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, ...(!isKept && { PENSTOCK_ACCEPT_LEAD: String(process.pid) }) },
  });
  closeSync(output);
  child.unref();
  const keeper = child.pid ?? 0;
  onBegun(keeper);
  for (;;) {
    const output = readFileSync(log, "utf8");
    const serving = /^serving \w+ \S+ (\d+)s pid=(\d+)$/m.exec(output);
    if (serving && /^ready$/m.test(output))
      return {
        kind,
        url: `http://127.0.0.1:${port}`,
        port,
        pid: Number(serving[2]),
        keeper,
        startedInS: Number(serving[1]),
      };
    if (child.exitCode !== null) throw new Error(`the ${kind} engine did not start:\n${output}`);
    await sleep(250);
  }
}

/** Stops serve.sh and with it the engine, whoever started it; waits for its end, and kills what does not stop. */
export async function stopEngines(engines: Pick<RunningEngine, "keeper">[]): Promise<void> {
  await Promise.all(engines.map(({ keeper }) => stopKeeper(keeper)));
  rmSync(list, { force: true });
}

async function stopKeeper(keeper: number): Promise<void> {
  signal(keeper, "SIGTERM");
  for (const endMs = Date.now() + stopMsMax; Date.now() < endMs; await sleep(100)) if (!signal(keeper, 0)) return;
  signal(keeper, "SIGKILL");
}

/**
 * The shared memory that an engine's processes have mapped. A process killed with -9 cannot remove its own, so whoever
 * kills it must, with `removeShared`.
 */
export function findShared(engines: RunningEngine[]): string[] {
  const leaders = new Set(engines.map(({ pid }) => pid));
  const members = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && leaders.has(readGroupId(pid)));
  return members.flatMap((pid) => read(`/proc/${pid}/maps`).match(/\/dev\/shm\/\S+/g) ?? []);
}

/** Removes the shared memory that killed processes left. */
export function removeShared(files: string[]): void {
  for (const file of files) rmSync(file, { force: true });
}

/** The fifth field of `stat`; the second, in brackets, may hold blanks. */
function readGroupId(pid: string): number {
  return Number(read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[2]);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Remembers engines for the next run. */
export function keepEngines(engines: RunningEngine[]): void {
  writeFileSync(list, `${JSON.stringify(engines, null, 2)}\n`);
}

function readList(): RunningEngine[] {
  return JSON.parse(read(list) || "[]");
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
