import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { Caller } from "../load/callers.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Rounds, type Window } from "../rounds.ts";
import { checkSettled, type Side } from "../side.ts";
import { makeRandom, makeZipf, median } from "../stats.ts";

const orgsWanted = 10_000;
const smokeOrgs = 100;
/** So many orgs are published before the clock is looked at, and so long it may take. */
const publishedAtOnce = 1_000;
const publishMsMax = 60_000;
/** Calls of the Zipf mix before its keys come again in the same order. */
const mixLength = 20_000;

/**
 * CPU of a call when ten thousand orgs take turns, and when they call as people do, few of them often (Zipf's law),
 * against one org whose every call asks its ledger: what it costs that a ledger is seldom called, and what leases give
 * back of it.
 */
export async function measureManyOrgs({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [one] = await stage.straight.publish(1);
  const [hot] = await stage.publish(1);
  if (!one || !hot) throw new RangeError("no caller");
  const many = isSmoke ? await stage.publish(smokeOrgs) : await publishInTime(stage);
  const calls = { straight: 0, edge: 0 };
  const run = async (side: Side, keys: string[], ms: number) => {
    const aim = { port: side.ports.edge, keys, path: "/v1/chat/completions", body: writeCallBody(false) };
    const report = await stage.load({
      kind: "closed",
      ...aim,
      connections: 16,
      ms,
      status: 200,
      bytes: jsonAnswer.length,
    });
    calls[side === stage ? "edge" : "straight"] += report.calls;
    await side.quiet();
    return report;
  };
  const variant = (side: Side, keys: string[]) => ({
    warm: () => run(side, keys, plan.warmMs),
    run: () => run(side, keys, 2 * plan.windowMs),
  });
  const mix = makeZipf(many.length, mixLength, makeRandom(1)).map((rank) => many[rank]?.text ?? "");
  const rounds = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    {
      one: variant(stage.straight, [one.text]),
      hot: variant(stage, [hot.text]),
      turns: variant(
        stage,
        many.map(({ text }) => text),
      ),
      mix: variant(stage, mix),
    },
  );
  await checkSettled(stage.straight, [one], calls.straight);
  await checkSettled(stage, [hot, ...many], calls.edge);
  return makeRows(rounds, many.length, isSmoke);
}

/** As many of the orgs as can be published in time. */
async function publishInTime(side: Side): Promise<Caller[]> {
  const startedMs = performance.now();
  const callers: Caller[] = [];
  while (callers.length < orgsWanted && performance.now() - startedMs < publishMsMax)
    callers.push(...(await side.publish(publishedAtOnce)));
  return callers;
}

type Target = "one" | "hot" | "turns" | "mix";

function makeRows(rounds: Rounds<Target, LoadFigures>, orgs: number, isSmoke: boolean): BenchRow[] {
  const pick = (name: Target) => median(rounds.taken.map((round) => readCpuMicros(round[name])));
  const figures = {
    oneMicros: pick("one"),
    hotMicros: pick("hot"),
    turnsMicros: pick("turns"),
    mixMicros: pick("mix"),
    orgs,
  };
  const tooFew = orgs < orgsWanted ? `only ${formatNumber(orgs)} orgs could be published in a minute` : null;
  const reason = explainUncounted(rounds, isSmoke) ?? tooFew;
  const row = (title: string, name: "turns" | "mix") => {
    const note =
      `${formatNumber(orgs)} orgs ${formatNumber(figures[`${name}Micros`])} µs, one org ` +
      `${formatNumber(figures.oneMicros)} µs straight and ${formatNumber(figures.hotMicros)} µs hot`;
    const ratios = rounds.taken.map((round) => readCpuMicros(round[name]) / readCpuMicros(round.one));
    const goal = { bound: "at most", value: 1.5, unit: "×" } as const;
    return makeRow(title, goal, ratios, { note, figures, explainUncounted: reason });
  };
  return [
    row("many orgs taking turns: CPU a call, against one straight", "turns"),
    row("… few often, many seldom (Zipf): CPU a call, against one straight", "mix"),
  ];
}

function readCpuMicros({ cpuMs, outcome }: Window<LoadFigures>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
