import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A running workerd. `failure` is what it wrote to stderr, if anything. */
export interface Workerd {
  process: ChildProcess;
  pid: number;
  /** From its start to its first answer, in ms. */
  startMs: number;
  failure(): string;
  stop(): Promise<void>;
}

/** What plain workerd serves: a folder with its modules, its config, and a path that answers once it runs. */
export interface ServedConfig {
  dir: string;
  config: string;
  /** Any answer there will do. */
  readyUrl: string;
  /** Where V8 may be asked about its heap; it costs speed, so only rows that look there have it. */
  inspectorPort?: number | null;
}

const everyMs = 2;
const waitMsMax = 20_000;

/**
 * Starts `workerd serve` and waits until it answers. What its workers log goes nowhere, as on a server whose log is
 * read by someone else. It ends with us.
 */
export async function serveWorkerd({ dir, config, readyUrl, inspectorPort = null }: ServedConfig): Promise<Workerd> {
  writeFileSync(join(dir, "config.capnp"), config);
  const binary: string = createRequire(import.meta.url)("workerd").default;
  const inspector = inspectorPort === null ? [] : [`--inspector-addr=127.0.0.1:${inspectorPort}`];
  const args = ["serve", ...inspector, join(dir, "config.capnp")];
  const startedMs = performance.now();
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (quote: string) => (errors = (errors + quote).slice(-4_000)));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  while (!(await isAnswering(readyUrl))) {
    if (child.exitCode !== null || performance.now() - startedMs > waitMsMax)
      throw new Error(`workerd did not start: ${errors}`);
    await sleep(everyMs);
  }
  const startMs = performance.now() - startedMs;
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await gone;
  };
  return { process: child, pid: child.pid ?? 0, startMs, failure: () => errors, stop };
}

async function isAnswering(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}
