import { writeCallBody, streamBytes, answerTokens } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Rounds, type Window } from "../rounds.ts";
import { checkSettled } from "../side.ts";
import { median } from "../stats.ts";

const perSecond = 50;

/**
 * Streams of 100 events, 5 ms apart: CPU of the edge and the wait for the first event, against the bare pass-through.
 */
export async function measureStreams({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  let calls = 0;
  let seed = 1;
  const run = async (port: number, ms: number, seed: number): Promise<LoadFigures> => {
    const report = await stage.load({ ...makeStreamLoad(port, [caller.text]), ms, seed });
    if (port === stage.ports.edge) calls += report.calls;
    await stage.quiet();
    return report;
  };
  const variant = (port: number) => ({
    warm: () => run(port, plan.warmMs, 0),
    run: () => run(port, 2 * plan.windowMs, seed++),
  });
  const { origin, ...ports } = stage.ports;
  const variants = {
    direct: variant(origin),
    bare: variant(ports.bare),
    least: variant(ports.least),
    edge: variant(ports.edge),
  };
  const rounds = await takeRounds({ ...plan, pid: stage.workerdPid }, variants);
  await checkSettled(stage, [caller], calls);

  return makeRows(rounds, isSmoke);
}

type Target = "direct" | "bare" | "least" | "edge";

function makeRows(rounds: Rounds<Target, LoadFigures>, isSmoke: boolean): BenchRow[] {
  const pick = (name: Target, value: (window: Window<LoadFigures>) => number) =>
    median(rounds.taken.map((round) => value(round[name])));
  const figures = {
    bareCpuMs: pick("bare", readCpuMs),
    edgeCpuMs: pick("edge", readCpuMs),
    directFirstMs: pick("direct", readFirstMs),
    bareFirstMs: pick("bare", readFirstMs),
    leastCpuMs: pick("least", readCpuMs),
    leastFirstMs: pick("least", readFirstMs),
    edgeFirstMs: pick("edge", readFirstMs),
    bareFirstP99Ms: pick("bare", ({ outcome }) => outcome.p99Ms),
    edgeFirstP99Ms: pick("edge", ({ outcome }) => outcome.p99Ms),
    edgeGapP50Ms: pick("edge", ({ outcome }) => outcome.gapP50Ms),
  };
  const reason = explainUncounted(rounds, isSmoke);
  const cpu = rounds.taken.map((round) => readCpuMs(round.edge) / readCpuMs(round.bare));
  const measureAdded = (round: (typeof rounds.taken)[number], name: "edge" | "least") =>
    (readFirstMs(round[name]) - readFirstMs(round.direct)) / (readFirstMs(round.bare) - readFirstMs(round.direct));
  const added = rounds.taken.map((round) => measureAdded(round, "edge"));
  const cpuNote =
    `${formatNumber(figures.edgeCpuMs)} ms a stream against ${formatNumber(figures.bareCpuMs)} ms; ` +
    `the least that an edge can do: ${formatNumber(figures.leastCpuMs / figures.bareCpuMs)} ×`;
  const firstNote =
    `first event after ${formatNumber(figures.edgeFirstMs)} ms, bare ${formatNumber(figures.bareFirstMs)} ms, direct ` +
    `${formatNumber(figures.directFirstMs)} ms; the least: ` +
    `${formatNumber(median(rounds.taken.map((round) => measureAdded(round, "least"))))} ×`;
  return [
    makeRow("streams: CPU a stream, edge / bare", { bound: "at most", value: 1.25, unit: "×" }, cpu, {
      note: cpuNote,
      figures,
      explainUncounted: reason,
    }),
    makeRow("streams: first event added p50, edge / bare", { bound: "at most", value: 1.6, unit: "×" }, added, {
      note: firstNote,
      figures,
      explainUncounted: reason,
    }),
  ];
}

/** Streams for a target that passes them on byte for byte. */
export function makeStreamLoad(port: number, keys: string[]) {
  return {
    kind: "open",
    port,
    keys,
    path: "/v1/chat/completions",
    body: writeCallBody(true),
    perSecond,
    events: answerTokens,
    bytes: streamBytes,
  } as const;
}

function readCpuMs(window: Window<LoadFigures>): number {
  return window.cpuMs / window.outcome.calls;
}

function readFirstMs({ outcome }: Window<LoadFigures>): number {
  return outcome.p50Ms;
}
