#!/usr/bin/env node
import { runCommand } from "./run.ts";

// A reader such as `head` may leave before everything is printed; that is no failure.
process.stdout.on("error", () => process.exit(0));

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
  nowMs: () => Date.now(),
});
