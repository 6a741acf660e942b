import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:net";
import { freePorts } from "../child.ts";

/** Where a redis-server keeps its data, and how surely. */
export interface RedisServerOptions {
  /** Where its append-only file lies; it survives restarts and `kill -9`. */
  dir: string;
  /** 0: a free one. */
  port?: number;
  /** When what was written is forced to disk; `null` keeps nothing. */
  fsync: "everysec" | "always" | null;
}

/** A redis-server that can be killed and started again. */
export interface RedisServer {
  port: number;
  readonly pid: number;
  /** SIGSTOP makes it slow, SIGCONT wakes it, SIGKILL is a crash. */
  kill(signal: NodeJS.Signals): void;
  /** Waits until it is gone, then starts it again on the same folder and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** What to do where redis-server is missing. */
export const redisMissing =
  "redis-server was not found: install it (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis)";

/** Whether this machine has a redis-server. */
export function hasRedisServer(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

/**
 * A real redis-server as the ledger needs it: nothing is ever evicted, every write is in the append-only file. Throws
 * `redisMissing` where there is none.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  if (!hasRedisServer()) throw new Error(redisMissing);
  mkdirSync(options.dir, { recursive: true });
  endLeftover(options.dir);
  const port = options.port || (await freePorts(1))[0] || 0;
  let running = await launch(options, port);
  // When this process ends, however it does, Redis goes too.
  const killRedis = () => void running.kill("SIGKILL");
  process.on("exit", killRedis);
  return {
    port,
    get pid() {
      return running.pid ?? 0;
    },
    kill: (signal) => void running.kill(signal),
    async restart() {
      await waitUntilGone(running);
      running = await launch(options, port);
    },
    async stop() {
      process.off("exit", killRedis);
      running.kill("SIGCONT");
      running.kill("SIGTERM");
      await waitUntilGone(running);
    },
  };
}

async function launch({ dir, fsync }: RedisServerOptions, port: number): Promise<ChildProcess> {
  const persistence = fsync ? ["--appendonly", "yes", "--appendfsync", fsync] : ["--appendonly", "no"];
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
    "--pidfile",
    join(dir, "redis.pid"),
    "--save",
    "",
    "--maxmemory-policy",
    "noeviction",
    ...persistence,
  ];
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  let log = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-2_000)));
  for (let tries = 0; tries < 500; tries++) {
    if (child.exitCode !== null)
      throw new Error(`redis-server stopped before it was ready: ${log.trim().split("\n").at(-1)}`);
    if (await isAnswering(port)) return child;
    await new Promise((done) => setTimeout(done, 20));
  }
  child.kill("SIGKILL");
  throw new Error("redis-server was not ready within 10 s");
}

/** While it loads its file it refuses even a ping. */
function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => void socket.write("PING\r\n"));
    const answer = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(1_000, () => answer(false));
    socket.once("data", (bytes) => answer(bytes.toString().startsWith("+PONG")));
    socket.once("error", () => answer(false));
  });
}

function waitUntilGone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

/** A server that an earlier, killed process left on this folder. A pid may have been given to another program since. */
function endLeftover(dir: string): void {
  try {
    const pid = Number(readFileSync(join(dir, "redis.pid"), "utf8"));
    if (pid > 0 && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("redis-server"))
      process.kill(pid, "SIGKILL");
  } catch {
    // There is none.
  }
}
