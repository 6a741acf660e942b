import fs, { appendFileSync, readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * Preloaded into an agent (`NODE_OPTIONS=--import=…`): its usage log meets the fault that stands in the file which
 * `FAULTY_DISK` names, as `fault org`. Only records of that org are met, so other calls of the same agent go on. Each
 * time it strikes is noted beside that file.
 */
const file = process.env["FAULTY_DISK"] ?? "";
const lateMs = 600;
const write = fs.writeSync as (fd: number, ...rest: unknown[]) => number;

fs.writeSync = ((fd: number, ...rest: unknown[]) => {
  const [fault, org] = armed();
  if (!org || !String(rest[0]).includes(`"org":"${org}"`)) return write(fd, ...rest);
  appendFileSync(`${file}.struck`, `${fault} ${org}\n`);
  if (fault === "error") throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  stand(fault === "slow" ? lateMs : Infinity);
  return write(fd, ...rest);
}) as typeof fs.writeSync;
syncBuiltinESMExports();

function armed(): string[] {
  try {
    return readFileSync(file, "utf8").split(" ");
  } catch {
    return [];
  }
}

/** A write that does not return stops the whole process, as a hung disk does. */
function stand(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
