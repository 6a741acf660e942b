import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow, type Goal } from "../row.ts";
import { takeRounds, type Rounds, type Variant, type Window } from "../rounds.ts";
import { checkSettled, type Side } from "../side.ts";
import { median } from "../stats.ts";

const connectionsMany = 16;

type Target = "direct" | "bare" | "least" | "straight" | "edge";

/**
 * Whole answers of one busy key: calls a second through the edge, each reserved and settled durably, against the bare
 * pass-through; beside it the edge that asks its ledger for each call, and the least that any edge could do. Then the
 * same over one connection, where nothing waits for anything else.
 */
export async function measureJson(bench: Bench): Promise<BenchRow[]> {
  const many = await takeTargets(bench, connectionsMany, ["direct", "bare", "least", "straight", "edge"]);
  const one = await takeTargets(bench, 1, ["bare", "straight", "edge"]);
  return [...makeManyRows(many, bench.isSmoke), ...makeOneRows(one, bench.isSmoke)];
}

/** Rounds of these targets, each by an org of its own; checks that both edges settled what they answered. */
async function takeTargets<Name extends Target>(
  { stage, plan }: Bench,
  connections: number,
  names: Name[],
): Promise<Rounds<Name, LoadFigures>> {
  const [[hot], [straight]] = await Promise.all([stage.publish(1), stage.straight.publish(1)]);
  if (!hot || !straight) throw new RangeError("no caller");
  const calls = { straight: 0, edge: 0 };
  const aims: Record<Target, { port: number; side: Side }> = {
    direct: { port: stage.ports.origin, side: stage },
    bare: { port: stage.ports.bare, side: stage },
    least: { port: stage.ports.least, side: stage },
    straight: { port: stage.straight.ports.edge, side: stage.straight },
    edge: { port: stage.ports.edge, side: stage },
  };
  /**
   * The settlement of the last calls belongs to the window, so it ends when all is settled; the rate is computed from
   * the calls' own time.
   */
  async function loadSettled(name: Target, ms: number): Promise<LoadFigures> {
    const { port, side } = aims[name];
    const { text } = name === "straight" ? straight! : hot!;
    const aim = { port, keys: [text], path: "/v1/chat/completions", body: writeCallBody(false), connections, ms };
    const report = await stage.load({ kind: "closed", ...aim, status: 200, bytes: jsonAnswer.length });
    if (name === "straight" || name === "edge") calls[name] += report.calls;
    await side.quiet();
    return report;
  }
  const variant = (name: Target): Variant<LoadFigures> => ({
    warm: () => loadSettled(name, plan.warmMs),
    run: () => loadSettled(name, plan.windowMs),
  });
  const variants = Object.fromEntries(names.map((name) => [name, variant(name)])) as Record<Name, Variant<LoadFigures>>;
  const rounds = await takeRounds({ ...plan, pid: stage.workerdPid }, variants);
  await checkSettled(stage, [hot], calls.edge);
  await checkSettled(stage.straight, [straight], calls.straight);
  return rounds;
}

function makeManyRows(rounds: Rounds<Target, LoadFigures>, isSmoke: boolean): BenchRow[] {
  const pick = (name: Target, value: (window: Window<LoadFigures>) => number) =>
    median(rounds.taken.map((round) => value(round[name])));
  const figures = {
    directPerSecond: pick("direct", rateOver),
    barePerSecond: pick("bare", rateOver),
    leastPerSecond: pick("least", rateOver),
    straightPerSecond: pick("straight", rateOver),
    edgePerSecond: pick("edge", rateOver),
    bareCpuMicros: pick("bare", readCpuMicros),
    straightCpuMicros: pick("straight", readCpuMicros),
    edgeCpuMicros: pick("edge", readCpuMicros),
    edgeCpuShare: pick("edge", ({ cpuMs, outcome }) => cpuMs / outcome.wallMs),
    bareCpuShare: pick("bare", ({ cpuMs, outcome }) => cpuMs / outcome.wallMs),
  };
  const isLoadBound = figures.directPerSecond < 1.5 * figures.barePerSecond;
  const reason = explainUncounted(rounds, isSmoke) ?? (isLoadBound ? "the load generator was the bound" : null);
  const row = (title: string, name: "edge" | "straight", value: number) => {
    const note = [
      `${formatNumber(figures[`${name}PerSecond`])}/s, bare ${formatNumber(figures.barePerSecond)}/s, ` +
        `origin alone ${formatNumber(figures.directPerSecond)}/s`,
      `CPU a call ${formatNumber(figures[`${name}CpuMicros`])} against ${formatNumber(figures.bareCpuMicros)} µs`,
      `the least that an edge can do: ${formatNumber(figures.leastPerSecond / figures.barePerSecond)} ×`,
    ].join("; ");
    const ratios = rounds.taken.map((round) => rateOver(round[name]) / rateOver(round.bare));
    return makeRow(title, { bound: "at least", value, unit: "×" }, ratios, { note, figures, explainUncounted: reason });
  };
  return [
    row("whole answers, hot key: calls a second, edge / bare", "edge", 0.4),
    row("… straight: each call asks its ledger", "straight", 0.22),
  ];
}

function makeOneRows(rounds: Rounds<"bare" | "straight" | "edge", LoadFigures>, isSmoke: boolean): BenchRow[] {
  const pick = (name: "bare" | "straight" | "edge", value: (window: Window<LoadFigures>) => number) =>
    median(rounds.taken.map((round) => value(round[name])));
  const row = (title: string, bound: Goal, value: (window: Window<LoadFigures>) => number, unit: string) => {
    const figures = { edge: pick("edge", value), straight: pick("straight", value), bare: pick("bare", value) };
    const note =
      `${formatNumber(figures.edge)}${unit}, bare ${formatNumber(figures.bare)}${unit}; straight ` +
      `${formatNumber(figures.straight)}${unit}`;
    const ratios = rounds.taken.map((round) => value(round.edge) / value(round.bare));
    return makeRow(title, bound, ratios, { note, figures, explainUncounted: explainUncounted(rounds, isSmoke) });
  };
  return [
    row(
      "… one connection, hot: calls a second, edge / bare",
      { bound: "at least", value: 0.5, unit: "×" },
      rateOver,
      "/s",
    ),
    row("… … p50, edge / bare", { bound: "at most", value: 1.8, unit: "×" }, ({ outcome }) => outcome.p50Ms, " ms"),
  ];
}

function rateOver({ outcome }: Window<LoadFigures>): number {
  return (outcome.calls / outcome.wallMs) * 1_000;
}

function readCpuMicros({ cpuMs, outcome }: Window<LoadFigures>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
