import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { freePorts } from "#infra/local/child.ts";
import { bundleWorker } from "#infra/local/edge/bundle.ts";
import { root } from "#infra/local/stack.ts";
import type { Bench } from "../bench-plan.ts";
import { explainUncounted, formatNumber, makeRow, type BenchRow } from "../row.ts";
import { takeRounds } from "../rounds.ts";
import { serveWorkerd } from "../servers/serve-workerd.ts";
import { writeSmallConfig } from "../servers/workerd-config.ts";
import { makeFolder, type Stage } from "../stage.ts";
import { median } from "../stats.ts";

const kb = 1_000;

/**
 * What the Worker weighs when it is sent out, and how much longer workerd takes to its first answer with it than with
 * the bare pass-through: reading the script and running its top level, which every cold isolate does.
 */
export async function measureBundle({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const bundle = await bundleWorker(root);
  const bytes = gzipSync(bundle).length;
  const variant = async (name: "bare" | "edge", source: string) => {
    const dir = makeFolder(stage, `start-${name}`);
    writeFileSync(join(dir, "worker.js"), source);
    // The config's stand-in for D1 lies beside each worker.
    writeFileSync(join(dir, "bill.js"), await bundleWorker(root, "infra/checks/bench/worker/bill.ts"));
    return { run: () => startOnce(stage, dir) };
  };
  const rounds = await takeRounds(
    { ...plan, pid: process.pid, rounds: isSmoke ? 1 : 2 * plan.rounds },
    {
      bare: await variant("bare", await bundleWorker(root, "infra/checks/bench/worker/bare.ts")),
      edge: await variant("edge", bundle),
    },
  );
  const starts = rounds.taken.map(({ bare, edge }) => edge.outcome - bare.outcome);
  const figures = {
    bareMs: median(rounds.taken.map(({ bare }) => bare.outcome)),
    edgeMs: median(rounds.taken.map(({ edge }) => edge.outcome)),
  };
  return [
    makeRow("bundle of the Worker, gzip", { bound: "at most", value: 600, unit: "KB" }, [bytes / kb], {
      note: `${formatNumber(bundle.length / kb)} KB before`,
    }),
    makeRow("start of the Worker's script", { bound: "at most", value: 100, unit: "ms" }, starts, {
      note:
        `workerd's first answer after ${formatNumber(figures.edgeMs)} ms, with the bare pass-through ` +
        `${formatNumber(figures.bareMs)} ms`,
      figures,
      explainUncounted: explainUncounted(rounds, isSmoke),
    }),
  ];
}

/** From the start of a workerd of its own to its first answer, in ms. */
async function startOnce(stage: Stage, dir: string): Promise<number> {
  const [port = 0] = await freePorts(1);
  const originUrl = `http://127.0.0.1:${stage.ports.origin}`;
  const config = writeSmallConfig({ root, module: "worker.js", port, originUrl });
  const workerd = await serveWorkerd({ dir, config, readyUrl: `http://127.0.0.1:${port}/health` });
  await workerd.stop();
  return workerd.startMs;
}
