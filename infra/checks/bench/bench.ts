import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Bench } from "./bench-plan.ts";
import { drawTable, type BenchRow } from "./row.ts";
import { rows } from "./rows.ts";
import { BrokenError } from "./side.ts";
import { openStage, type Stage } from "./stage.ts";

const usage = `node infra/checks/bench/bench.ts [--smoke] [--only NAME]... [--json FILE] [--rounds N] [--retries N]
  --smoke      tiny windows: asserts that every call is answered, settled and counted right; measures nothing
  --only NAME  ${Object.keys(rows).join(", ")}
  --json FILE  writes the table with all figures behind it
  --rounds N   4 by default; --retries N: how often a window is taken again while others use the machine, 3 by default`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      smoke: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      json: { type: "string" },
      rounds: { type: "string", default: "4" },
      retries: { type: "string", default: "3" },
      help: { type: "boolean", default: false },
    },
  });
  const chosen = values.only ?? Object.keys(rows);
  const unknown = chosen.find((name) => !(name in rows));
  if (values.help || unknown !== undefined) {
    console.log(unknown === undefined ? usage : `no row '${unknown}'\n${usage}`);
    return unknown === undefined ? 0 : 2;
  }
  const isSmoke = values.smoke;
  const times = isSmoke
    ? { rounds: 1, retries: 0, warmMs: 100, windowMs: 400 }
    : { rounds: Number(values.rounds), retries: Number(values.retries), warmMs: 500, windowMs: 2_000 };
  const stage = await openStage({ withRedis: chosen.includes("stores") });
  console.log(describeSetting(stage));
  try {
    const log = isSmoke ? () => undefined : (line: string) => console.log(line);
    const bench: Bench = { stage, isSmoke, plan: { ...times, say: log } };
    const { table, isBroken } = await measureAll(bench, chosen);
    console.log(`\n${drawTable(table)}`);
    if (values.json !== undefined)
      writeFileSync(
        values.json,
        `${JSON.stringify({ describeSetting: describeSetting(stage), isSmoke, rows: table }, null, 2)}\n`,
      );
    return isBroken ? 1 : 0;
  } finally {
    await stage.close();
  }
}

/** One broken row does not stop the others. */
async function measureAll(bench: Bench, chosen: string[]): Promise<{ table: BenchRow[]; isBroken: boolean }> {
  const table: BenchRow[] = [];
  let isBroken = false;
  for (const name of chosen) {
    console.log(`${name} …`);
    try {
      table.push(...((await rows[name]?.(bench)) ?? []));
    } catch (cause) {
      if (!(cause instanceof BrokenError)) throw cause;
      isBroken = true;
      console.log(`  BROKEN: ${cause.message}`);
    }
  }
  return { table, isBroken };
}

function describeSetting({ isPinned }: Stage): string {
  const [cpu] = cpus();
  const where = isPinned
    ? "workerd (edge and bare pass-through) on core 0, all else on core 1"
    : "not pinned to cores: taskset is missing or failed";
  return `${cpus().length} × ${cpu?.model ?? "?"}, Node ${process.versions.node}; ${where}`;
}

// A signal must run the exit hooks: they end workerd, which would otherwise go on alone.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();
