import { writeCallBody, streamBytes, answerTokens } from "../../load/answers.ts";
import type { Bench } from "../../bench-plan.ts";
import type { LoadFigures } from "../../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow, type Goal } from "../../row.ts";
import { takeRounds, type Rounds, type Window } from "../../rounds.ts";
import { checkSettled } from "../../side.ts";
import { ledgerDistanceMs } from "../../stage.ts";
import { median } from "../../stats.ts";

const perSecond = 50;
/** Twice what it takes until a key that comes back from silence has its lease again, with the ledger far away. */
const untimedMs = 500;

/** A round trip would add `ledgerDistanceMs`; what lies below this is the machine's. */
const distanceMsMax = 10;

/**
 * Streams of 100 events, 5 ms apart, of one busy key: CPU of the edge and the wait for the first event, against the
 * bare pass-through; and the same wait with the ledger far away.
 */
export async function measureStreams({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [[hot], [distant]] = await Promise.all([stage.publish(1), stage.far.publish(1)]);
  if (!hot || !distant) throw new RangeError("no caller");
  const calls = { edge: 0, far: 0 };
  let seed = 1;
  const run = async (name: Target, ms: number, seed: number): Promise<LoadFigures> => {
    const side = name === "far" ? stage.far : stage;
    const port = { ...stage.ports, direct: stage.ports.origin, far: stage.far.ports.edge }[name];
    const { text } = name === "far" ? distant : hot;
    const report = await stage.load({ ...makeStreamLoad(port, [text]), ms, seed });
    if (name === "edge" || name === "far") calls[name] += report.calls;
    await side.quiet();
    return report;
  };
  const variant = (name: Target) => ({
    warm: () => run(name, plan.warmMs, 0),
    run: () => run(name, 2 * plan.windowMs, seed++),
  });
  const variants = {
    direct: variant("direct"),
    bare: variant("bare"),
    least: variant("least"),
    edge: variant("edge"),
    far: variant("far"),
  };
  const rounds = await takeRounds({ ...plan, pid: stage.workerdPid }, variants);
  await checkSettled(stage, [hot], calls.edge);
  await checkSettled(stage.far, [distant], calls.far);

  return makeRows(rounds, isSmoke);
}

type Target = "direct" | "bare" | "least" | "edge" | "far";

function makeRows(rounds: Rounds<Target, LoadFigures>, isSmoke: boolean): BenchRow[] {
  const { taken } = rounds;
  const pick = (name: Target, value: (window: Window<LoadFigures>) => number) =>
    median(taken.map((round) => value(round[name])));
  const figures = {
    bareCpuMs: pick("bare", readCpuMs),
    edgeCpuMs: pick("edge", readCpuMs),
    directFirstMs: pick("direct", readFirstMs),
    bareFirstMs: pick("bare", readFirstMs),
    leastCpuMs: pick("least", readCpuMs),
    leastFirstMs: pick("least", readFirstMs),
    edgeFirstMs: pick("edge", readFirstMs),
    farFirstMs: pick("far", readFirstMs),
    bareFirstP99Ms: pick("bare", readFirstP99Ms),
    edgeFirstP99Ms: pick("edge", readFirstP99Ms),
    farFirstP99Ms: pick("far", readFirstP99Ms),
    edgeGapP50Ms: pick("edge", ({ outcome }) => outcome.gapP50Ms),
  };
  const reason = explainUncounted(rounds, isSmoke);
  const row = (name: string, goal: Goal, values: number[], note: string) =>
    makeRow(name, goal, values, { note, figures, explainUncounted: reason });
  const write = (ms: number) => `${formatNumber(ms)} ms`;
  const addedTo = (name: Target) => taken.map((round) => measureAdded(round, name));
  const cpuNote =
    `${write(figures.edgeCpuMs)} a stream against ${write(figures.bareCpuMs)}; ` +
    `the least that an edge can do: ${formatNumber(figures.leastCpuMs / figures.bareCpuMs)} ×`;
  const firstNote =
    `first event after ${write(figures.edgeFirstMs)}, bare ${write(figures.bareFirstMs)}, direct ` +
    `${write(figures.directFirstMs)}; the least: ${formatNumber(median(addedTo("least")))} ×`;
  const cpu = taken.map((round) => readCpuMs(round.edge) / readCpuMs(round.bare));
  const distance = taken.map((round) => readFirstP99Ms(round.far) - readFirstP99Ms(round.edge));
  const atMost = (value: number, unit: string): Goal => ({ bound: "at most", value, unit });
  return [
    row("streams, hot key: CPU a stream, edge / bare", atMost(1.5, "×"), cpu, cpuNote),
    row("… first event added p50, edge / bare", atMost(2, "×"), addedTo("edge"), firstNote),
    row(
      `… … the ledger ${ledgerDistanceMs} ms away`,
      atMost(2, "×"),
      addedTo("far"),
      `first event after ${write(figures.farFirstMs)}`,
    ),
    row(
      `… first event p99, the ledger ${ledgerDistanceMs} ms away, over near`,
      atMost(distanceMsMax, "ms"),
      distance,
      `${write(figures.farFirstP99Ms)}, near ${write(figures.edgeFirstP99Ms)}, bare ${write(figures.bareFirstP99Ms)}`,
    ),
  ];
}

/** What a target adds to the wait of a call that goes to the origin itself, against what the bare one adds. */
function measureAdded(round: Record<Target, Window<LoadFigures>>, name: Target): number {
  const over = (window: Window<LoadFigures>) => readFirstMs(window) - readFirstMs(round.direct);
  return over(round[name]) / over(round.bare);
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
    untimedMs,
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

function readFirstP99Ms({ outcome }: Window<LoadFigures>): number {
  return outcome.p99Ms;
}
