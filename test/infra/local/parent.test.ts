import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isAlive } from "#test/support/stack/processes.ts";

const watcher =
  'import { watchParent } from "./infra/local/parent.ts"; watchParent(() => process.exit(0)); ' +
  "setInterval(() => 0, 1_000); console.log(process.pid);";

test.each(["SIGTERM", "SIGKILL"] as const)(
  "a process hears within a second that %s ended its parent",
  async (signal) => {
    const args = JSON.stringify(["-e", watcher]);
    const script = `require("child_process").spawn(process.execPath, ${args}, { stdio: "inherit" })`;
    const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill(signal);
    await expect.poll(() => isAlive(pid), { timeout: 1_000, interval: 20 }).toBe(false);
  },
);
