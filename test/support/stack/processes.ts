import { readdirSync, readFileSync } from "node:fs";

/** Pids of the direct children of a process, by /proc; with `name`, those whose command line has it. */
export function childrenOf(parent: number, name = ""): number[] {
  return allPids().filter((pid) => field(pid, "PPid") === parent && commandOf(pid).includes(name));
}

/** A process and all below it. */
export function treeOf(root: number): number[] {
  return [root, ...childrenOf(root).flatMap(treeOf)];
}

export function isAlive(pid: number): boolean {
  return commandOf(pid) !== "";
}

function allPids(): number[] {
  return readdirSync("/proc").map(Number).filter(Boolean);
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

function field(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(read(`/proc/${pid}/status`))?.[1]);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
