import { globSync, readFileSync } from "node:fs";
import { findLuaFault } from "./lua-fault.ts";

const faults = globSync("{edge,infra,origin}/**/*.lua").flatMap((file) => {
  const fault = findLuaFault(readFileSync(file, "utf8"));
  return fault === null ? [] : `${file}:${fault}`;
});
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
