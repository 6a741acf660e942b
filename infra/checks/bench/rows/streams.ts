import { callBody, streamBytes, tokensOf } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadReport } from "../load/load.ts";
import { plain, rowOf, whyNot, type Row } from "../row.ts";
import { takeRounds, type Rounds, type Window } from "../rounds.ts";
import { checkSettled } from "../stage.ts";
import { median } from "../stats.ts";

const perSecond = 50;

/**
 * Streams of 100 events, 5 ms apart: CPU of the edge and the wait for the first event, against the bare pass-through.
 */
export async function streamRows({ stage, plan, isSmoke }: Bench): Promise<Row[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  let calls = 0;
  let seed = 1;
  const run = async (port: number, ms: number, seed: number): Promise<LoadReport> => {
    const report = await stage.load({ ...openLoad(port, [caller.text]), ms, seed });
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

function makeRows(rounds: Rounds<Target, LoadReport>, isSmoke: boolean): Row[] {
  const of = (name: Target, value: (window: Window<LoadReport>) => number) =>
    median(rounds.taken.map((round) => value(round[name])));
  const figures = {
    bareCpuMs: of("bare", cpuMs),
    edgeCpuMs: of("edge", cpuMs),
    directFirstMs: of("direct", firstMs),
    bareFirstMs: of("bare", firstMs),
    leastCpuMs: of("least", cpuMs),
    leastFirstMs: of("least", firstMs),
    edgeFirstMs: of("edge", firstMs),
    bareFirstP99Ms: of("bare", ({ outcome }) => outcome.p99Ms),
    edgeFirstP99Ms: of("edge", ({ outcome }) => outcome.p99Ms),
    edgeGapP50Ms: of("edge", ({ outcome }) => outcome.gapP50Ms),
  };
  const reason = whyNot(rounds, isSmoke);
  const cpu = rounds.taken.map((round) => cpuMs(round.edge) / cpuMs(round.bare));
  const addedBy = (round: (typeof rounds.taken)[number], name: "edge" | "least") =>
    (firstMs(round[name]) - firstMs(round.direct)) / (firstMs(round.bare) - firstMs(round.direct));
  const added = rounds.taken.map((round) => addedBy(round, "edge"));
  const cpuNote =
    `${plain(figures.edgeCpuMs)} ms a stream against ${plain(figures.bareCpuMs)} ms; the least that an edge ` +
    `can do: ${plain(figures.leastCpuMs / figures.bareCpuMs)} ×`;
  const firstNote =
    `first event after ${plain(figures.edgeFirstMs)} ms, bare ${plain(figures.bareFirstMs)} ms, direct ` +
    `${plain(figures.directFirstMs)} ms; the least: ` +
    `${plain(median(rounds.taken.map((round) => addedBy(round, "least"))))} ×`;
  return [
    rowOf("streams: CPU a stream, edge / bare", { bound: "at most", value: 1.25, unit: "×" }, cpu, {
      note: cpuNote,
      figures,
      whyNot: reason,
    }),
    rowOf("streams: first event added p50, edge / bare", { bound: "at most", value: 1.6, unit: "×" }, added, {
      note: firstNote,
      figures,
      whyNot: reason,
    }),
  ];
}

/** Streams for a target that passes them on to the byte. */
export function openLoad(port: number, keys: string[]) {
  return {
    kind: "open",
    port,
    keys,
    path: "/v1/chat/completions",
    body: callBody(true),
    perSecond,
    events: tokensOf,
    bytes: streamBytes,
  } as const;
}

function cpuMs(window: Window<LoadReport>): number {
  return window.cpuMs / window.outcome.calls;
}

function firstMs({ outcome }: Window<LoadReport>): number {
  return outcome.p50Ms;
}
