import { createHash } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { createServer } from "node:net";
import { ConfigError } from "./config.ts";

/**
 * Takes a state directory for this process alone: two agents on one usage log would delete each other's records. The
 * lock is an abstract socket, which the kernel drops with the process however that dies; elsewhere than on Linux there
 * is none. Throws `state_dir_in_use`.
 */
export async function takeStateDir(path: string): Promise<{ release(): Promise<void> }> {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (process.platform !== "linux") return { release: async () => {} };
  const name = createHash("sha256").update(realpathSync(path)).digest("hex");
  const lock = createServer();
  await new Promise<void>((resolve, reject) => {
    lock.once("error", () => reject(new ConfigError("state_dir_in_use", `stateDir: another agent runs on ${path}`)));
    lock.listen(`\0penstock-agent-${name}`, resolve);
  });
  lock.unref();
  return { release: () => new Promise((resolve) => void lock.close(() => resolve())) };
}
