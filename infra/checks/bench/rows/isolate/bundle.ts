import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { freePorts } from "#infra/local/child.ts";
import { bundleWorker } from "#infra/local/edge/bundle.ts";
import { root } from "#infra/local/stack.ts";
import type { Bench } from "../../bench-plan.ts";
import { readThreadsCpuMs } from "../../cpu.ts";
import { explainUncounted, formatNumber, makeRow, type BenchRow } from "../../row.ts";
import { takeRounds } from "../../rounds.ts";
import { serveWorkerd } from "../../servers/serve-workerd.ts";
import { writeSmallConfig } from "../../servers/workerd-config.ts";
import { makeFolder, type Stage } from "../../stage.ts";
import { median } from "../../stats.ts";

const kb = 1_000;

/**
 * What the Worker weighs when it is sent out, and how much more CPU workerd takes to its first answer with it than with
 * the bare pass-through: reading the script and running its top level, which every cold isolate does. The platform
 * bounds this time by CPU, too.
 */
export async function measureBundle({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const bundle = await bundleWorker(root, "edge/worker.ts", { isShort: true });
  const bytes = gzipSync(bundle).length;
  const variant = (name: "bare" | "edge", source: string) => {
    const dir = makeFolder(stage, `start-${name}`);
    writeFileSync(join(dir, "worker.js"), source);
    return { run: () => startOnce(stage, dir) };
  };
  const rounds = await takeRounds(
    { ...plan, pid: process.pid, rounds: isSmoke ? 1 : 2 * plan.rounds },
    {
      bare: variant("bare", await bundleWorker(root, "infra/checks/bench/worker/bare.ts")),
      edge: variant("edge", bundle),
    },
  );
  const starts = rounds.taken.map(({ bare, edge }) => edge.outcome.cpuMs - bare.outcome.cpuMs);
  const pick = (name: "bare" | "edge", value: (start: Start) => number) =>
    median(rounds.taken.map((round) => value(round[name].outcome)));
  const figures = {
    bareCpuMs: pick("bare", ({ cpuMs }) => cpuMs),
    edgeCpuMs: pick("edge", ({ cpuMs }) => cpuMs),
    bareMs: pick("bare", ({ wallMs }) => wallMs),
    edgeMs: pick("edge", ({ wallMs }) => wallMs),
  };
  return [
    makeRow("bundle of the Worker, gzip", { bound: "at most", value: 500, unit: "KB" }, [bytes / kb], {
      note: `${formatNumber(bundle.length / kb)} KB before`,
    }),
    makeRow("start of the Worker's script", { bound: "at most", value: 100, unit: "ms" }, starts, {
      note:
        `CPU to workerd's first answer ${formatNumber(figures.edgeCpuMs)} ms, with the bare pass-through ` +
        `${formatNumber(figures.bareCpuMs)} ms; by the clock ${formatNumber(figures.edgeMs)} and ` +
        `${formatNumber(figures.bareMs)} ms`,
      figures,
      explainUncounted: explainUncounted(rounds, isSmoke),
    }),
  ];
}

/** From the start of a workerd to its first answer. */
interface Start {
  cpuMs: number;
  wallMs: number;
}

async function startOnce(stage: Stage, dir: string): Promise<Start> {
  const [port = 0] = await freePorts(1);
  const originUrl = `http://127.0.0.1:${stage.ports.origin}`;
  const config = writeSmallConfig({ root, module: "worker.js", port, originUrl });
  const workerd = await serveWorkerd({ dir, config, readyUrl: `http://127.0.0.1:${port}/health` });
  const cpuMs = readThreadsCpuMs(workerd.pid);
  await workerd.stop();
  return { cpuMs, wallMs: workerd.startMs };
}
