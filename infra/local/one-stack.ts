import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Takes a state folder for this process. What a stack that was killed (`kill -9`) left running on it, workerd above
 * all, is ended first; a stack that still runs is left alone, and we refuse.
 */
export function takeStack(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true });
  const file = join(stateDir, "dev.pid");
  const pid = readPid(file);
  if (pid !== null && pid !== process.pid && isDev(pid))
    throw new Error(`a dev stack (pid ${pid}) runs on ${stateDir} already; stop it, or give another --state`);
  for (const orphan of findOrphans(stateDir)) process.kill(orphan, "SIGKILL");
  writeFileSync(file, String(process.pid));
}

/** Kills every workerd on a state folder but those of another stack that runs: for when its own stack is gone. */
export function endWorkerds(stateDir: string, starter: number): void {
  for (const pid of listWorkerds(stateDir)) {
    const parent = readParent(pid);
    if (parent !== starter && isDev(parent)) continue;
    readOr(() => process.kill(pid, "SIGKILL"), false);
  }
}

/** Releases the state folder for the next stack. */
export function releaseStack(stateDir: string): void {
  rmSync(join(stateDir, "dev.pid"), { force: true });
}

function readPid(file: string): number | null {
  try {
    return Number(readFileSync(file, "utf8")) || null;
  } catch {
    return null;
  }
}

/** A pid may have been given to another program since. */
function isDev(pid: number): boolean {
  return readCommand(pid).includes("infra/local/dev.ts");
}

/**
 * workerd processes whose parent is gone and whose open state lies in this folder. Linux tells by /proc; elsewhere none
 * are found.
 */
function findOrphans(stateDir: string): number[] {
  return listWorkerds(stateDir).filter((pid) => readParent(pid) === 1);
}

function listWorkerds(stateDir: string): number[] {
  const pids = readOr(() => readdirSync("/proc").map(Number).filter(Boolean), []);
  return pids.filter((pid) => /workerd/.test(readCommand(pid)) && hasOpenFileIn(pid, stateDir));
}

function hasOpenFileIn(pid: number, folder: string): boolean {
  const maps = readOr(() => readFileSync(`/proc/${pid}/maps`, "utf8"), "");
  return maps.includes(`${folder}/`);
}

function readCommand(pid: number): string {
  return readOr(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "");
}

function readParent(pid: number): number {
  return readOr(() => Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]), 0);
}

function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
