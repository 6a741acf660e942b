import { readFileSync } from "node:fs";

const lookMs = 100;

/**
 * Calls `onGone` once when the process that started this one is gone, however it died. Under `npm run` that is npm,
 * which may have put a shell between itself and us; a shell's parent is found by /proc, so only on Linux.
 */
export function watchParent(onGone: () => void): void {
  const parent = process.ppid;
  const grandparent = process.env["npm_lifecycle_event"] !== undefined && isShell(parent) ? readParent(parent) : null;
  const timer = setInterval(() => {
    const isThere = process.ppid === parent && (grandparent === null || readParent(parent) === grandparent);
    if (isThere) return;
    clearInterval(timer);
    onGone();
  }, lookMs);
  timer.unref();
}

function isShell(pid: number): boolean {
  return /^(sh|dash|bash|zsh)$/m.test(read(`/proc/${pid}/comm`));
}

function readParent(pid: number): number | null {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) || null;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
