#!/usr/bin/env node
// The one file that any Node can read: it starts the program, or has the clone's own Node start it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const program = join(here, "penstock.ts");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  await import("./penstock.ts");
} else {
  const own = join(here, "../../node_modules/node/bin/node");
  if (existsSync(own)) {
    const { status } = spawnSync(own, [program, ...process.argv.slice(2)], { stdio: "inherit" });
    process.exitCode = status ?? 1;
  } else {
    process.stderr.write(
      `penstock: needs Node 22.18 or newer, and this is ${process.versions.node}. ` +
        "Run 'npm ci' in the clone (it brings one), or install a newer Node.\n",
    );
    process.exitCode = 2;
  }
}
