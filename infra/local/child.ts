import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** A process of the stack that has said it is ready. */
export interface Child {
  name: string;
  pid: number;
  /** What stood in its `ready {…}` line. */
  ready: Record<string, unknown>;
  process: ChildProcess;
  /** SIGTERM, and SIGKILL after `msMax`. Resolves when the process is gone. */
  stop(msMax?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts `node ARGS` and waits for its `ready {…}` line. Its other lines go to `log`. It dies with us, even when we are
 * killed: an IPC channel that closes ends it (leash.ts).
 */
export function startChild(
  name: string,
  args: string[],
  log: (line: string) => void,
  env: Record<string, string> = {},
): Promise<Child> {
  const child = spawn(process.execPath, ["--import", new URL("leash.ts", import.meta.url).pathname, ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, ...env },
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (msMax = 1_500) => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), msMax);
    await gone;
    clearTimeout(timer);
  };
  return new Promise((resolve, reject) => {
    let last = "";
    const take = (line: string) => {
      if (line.startsWith("ready ")) {
        const ready = JSON.parse(line.slice(6));
        resolve({ name, pid: child.pid ?? 0, ready, process: child, stop, kill: (signal) => void child.kill(signal) });
      } else {
        last = line;
        log(line);
      }
    };
    for (const stream of [child.stdout, child.stderr]) eachLine(stream, take);
    child.once("error", reject);
    void gone.then(() => reject(new Error(`${name} stopped before it was ready: ${last}`)));
  });
}

function eachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.filter(Boolean).forEach(take);
  });
}

/** Below the ports that systems hand out themselves: Linux from 32,768 on, macOS and Windows from 49,152. */
const firstPort = 20_000;
const portCount = 12_000;
const portsPerProcess = 100;
/** Each process has a stretch of its own and goes through it: two that look at once are not given the same port. */
let next = process.pid * portsPerProcess + randomInt(portsPerProcess);

/** Ports that were free a moment ago, and that nobody else is given before they are used. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = firstPort + (next++ % portCount);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
