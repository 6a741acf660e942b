import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Rounds, type Window } from "../rounds.ts";
import { checkSettled } from "../side.ts";
import { median } from "../stats.ts";

const connections = 16;

/**
 * Whole answers: calls a second through the edge, each reserved and settled durably, against the bare pass-through;
 * beside it, the least that any edge could do.
 */
export async function measureJson({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  let calls = 0;
  const loadOn = (port: number, ms: number) =>
    stage.load({
      kind: "closed",
      port,
      keys: [caller.text],
      path: "/v1/chat/completions",
      body: writeCallBody(false),
      connections,
      ms,
      status: 200,
      bytes: jsonAnswer.length,
    });
  const variant = (port: number) => ({
    warm: () => loadSettled(port, plan.warmMs),
    run: () => loadSettled(port, plan.windowMs),
  });
  /**
   * The settlement of the last calls belongs to the window, so it ends when all is settled; the rate is computed from
   * the calls' own time.
   */
  async function loadSettled(port: number, ms: number): Promise<LoadFigures> {
    const report = await loadOn(port, ms);
    if (port === stage.ports.edge) calls += report.calls;
    await stage.quiet();
    return report;
  }
  const { origin, ...ports } = stage.ports;
  const variants = {
    direct: variant(origin),
    bare: variant(ports.bare),
    least: variant(ports.least),
    edge: variant(ports.edge),
  };
  const rounds = await takeRounds({ ...plan, pid: stage.workerdPid }, variants);
  await checkSettled(stage, [caller], calls);

  return [makeRatioRow(rounds, isSmoke)];
}

type Target = "direct" | "bare" | "least" | "edge";

function makeRatioRow(rounds: Rounds<Target, LoadFigures>, isSmoke: boolean): BenchRow {
  const pick = (name: Target, value: (window: Window<LoadFigures>) => number) =>
    median(rounds.taken.map((round) => value(round[name])));
  const figures = {
    directPerSecond: pick("direct", rateOver),
    barePerSecond: pick("bare", rateOver),
    leastPerSecond: pick("least", rateOver),
    edgePerSecond: pick("edge", rateOver),
    bareCpuMicros: pick("bare", readCpuMicros),
    edgeCpuMicros: pick("edge", readCpuMicros),
    edgeCpuShare: pick("edge", ({ cpuMs, outcome }) => cpuMs / outcome.wallMs),
    bareCpuShare: pick("bare", ({ cpuMs, outcome }) => cpuMs / outcome.wallMs),
  };
  const isLoadBound = figures.directPerSecond < 1.5 * figures.barePerSecond;
  const note = [
    `edge ${formatNumber(figures.edgePerSecond)}/s, bare ${formatNumber(figures.barePerSecond)}/s, ` +
      `origin alone ${formatNumber(figures.directPerSecond)}/s${isLoadBound ? " (the load was the bound)" : ""}`,
    `CPU a call ${formatNumber(figures.edgeCpuMicros)} against ${formatNumber(figures.bareCpuMicros)} µs`,
    `the least that an edge can do: ${formatNumber(figures.leastPerSecond / figures.barePerSecond)} ×`,
  ].join("; ");
  const ratios = rounds.taken.map((round) => rateOver(round.edge) / rateOver(round.bare));
  const reason = explainUncounted(rounds, isSmoke) ?? (isLoadBound ? "the load generator was the bound" : null);
  return makeRow("whole answers: calls a second, edge / bare", { bound: "at least", value: 0.5, unit: "×" }, ratios, {
    note,
    figures,
    explainUncounted: reason,
  });
}

function rateOver({ outcome }: Window<LoadFigures>): number {
  return (outcome.calls / outcome.wallMs) * 1_000;
}

function readCpuMicros({ cpuMs, outcome }: Window<LoadFigures>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
