import { callBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadReport } from "../load/load.ts";
import { plain, rowOf, whyNot, type Row } from "../row.ts";
import { takeRounds, type Rounds, type Window } from "../rounds.ts";
import { checkSettled } from "../stage.ts";
import { median } from "../stats.ts";

const connections = 16;

/**
 * Whole answers: calls a second through the edge, each reserved and settled durably, against the bare pass-through;
 * beside it, the least that any edge could do.
 */
export async function jsonRow({ stage, plan, isSmoke }: Bench): Promise<Row[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  let calls = 0;
  const loadOn = (port: number, ms: number) =>
    stage.load({
      kind: "closed",
      port,
      keys: [caller.text],
      path: "/v1/chat/completions",
      body: callBody(false),
      connections,
      ms,
      status: 200,
      bytes: jsonAnswer.length,
    });
  const variant = (port: number) => ({
    warm: () => counted(port, plan.warmMs),
    run: () => counted(port, plan.windowMs),
  });
  /**
   * The settlement of the last calls belongs to the window, so it ends when all is settled; the rate is told by the
   * calls' own time.
   */
  async function counted(port: number, ms: number): Promise<LoadReport> {
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

function makeRatioRow(rounds: Rounds<Target, LoadReport>, isSmoke: boolean): Row {
  const of = (name: Target, value: (window: Window<LoadReport>) => number) =>
    median(rounds.taken.map((round) => value(round[name])));
  const figures = {
    directPerSecond: of("direct", rate),
    barePerSecond: of("bare", rate),
    leastPerSecond: of("least", rate),
    edgePerSecond: of("edge", rate),
    bareCpuMicros: of("bare", cpuMicros),
    edgeCpuMicros: of("edge", cpuMicros),
    edgeCpuShare: of("edge", ({ cpuMs, outcome }) => cpuMs / outcome.wallMs),
    bareCpuShare: of("bare", ({ cpuMs, outcome }) => cpuMs / outcome.wallMs),
  };
  const isLoadBound = figures.directPerSecond < 1.5 * figures.barePerSecond;
  const note = [
    `edge ${plain(figures.edgePerSecond)}/s, bare ${plain(figures.barePerSecond)}/s, ` +
      `origin alone ${plain(figures.directPerSecond)}/s${isLoadBound ? " (the load was the bound)" : ""}`,
    `CPU a call ${plain(figures.edgeCpuMicros)} against ${plain(figures.bareCpuMicros)} µs`,
    `the least that an edge can do: ${plain(figures.leastPerSecond / figures.barePerSecond)} ×`,
  ].join("; ");
  const ratios = rounds.taken.map((round) => rate(round.edge) / rate(round.bare));
  const reason = whyNot(rounds, isSmoke) ?? (isLoadBound ? "the load generator was the bound" : null);
  return rowOf("whole answers: calls a second, edge / bare", { bound: "at least", value: 0.5, unit: "×" }, ratios, {
    note,
    figures,
    whyNot: reason,
  });
}

function rate({ outcome }: Window<LoadReport>): number {
  return (outcome.calls / outcome.wallMs) * 1_000;
}

function cpuMicros({ cpuMs, outcome }: Window<LoadReport>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
