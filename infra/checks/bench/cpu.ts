import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU in ticks of 10 ms (USER_HZ, man 5 proc). */
const tickMs = 10;

/** CPU time of a process and its descendants, user and system, in ms; 0 for one that has ended. */
export function readCpuMs(pid: number): number {
  return listPids(pid).reduce((sum, each) => sum + readOwnCpuMs(each), 0);
}

function readOwnCpuMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return 0;
  }
}

/**
 * CPU time of all threads of one process, in ms, to the nanosecond (Documentation/scheduler/sched-stats of Linux); for
 * spans that are short beside a tick. Threads that have ended are not in it.
 */
export function readThreadsCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const readNs = (thread: string) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  return threads.reduce((sum, thread) => sum + readNs(thread), 0) / 1e6;
}

/** A process and its descendants. */
export function listPids(pid: number): number[] {
  try {
    const below = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    return [pid, ...below.flatMap(listPids)];
  } catch {
    return [];
  }
}

/** CPU time used on the whole machine, in ms, over all cores; time that a hypervisor took away counts as used. */
export function readMachineCpuMs(): number {
  const [first = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = first.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) * tickMs;
}

/** Pins a process, with all its threads, to a core. False where that cannot be done. */
export function pin(pid: number, core: number): boolean {
  try {
    execFileSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Raises a process's limit of open files, and tells what it is then (man 5 proc: limits). Where raising is not allowed,
 * the limit stays as it was.
 */
export function allowFiles(pid: number, filesMax: number): number {
  try {
    execFileSync("prlimit", ["--pid", String(pid), `--nofile=${filesMax}:${filesMax}`], { stdio: "ignore" });
  } catch {
    // Whoever opens many ledgers waits for some to close.
  }
  const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1_024);
}
