import { endWorkerds } from "./one-stack.ts";

/**
 * `node infra/local/reaper.ts STATE_DIR`, started by `npm run dev`: lives as long as the process that started it, and
 * ends on its way out what that one could not, when it was killed: workerd, which does not notice by itself.
 */
const [stateDir = ""] = process.argv.slice(2);
const starter = process.ppid;
process.on("exit", () => endWorkerds(stateDir, starter));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
console.log("ready {}");
process.channel?.ref();
