import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Window } from "../rounds.ts";
import { checkSettled } from "../side.ts";
import { median } from "../stats.ts";

/** CPU of a call when ten thousand orgs take turns, against one org that makes them all. */
export async function measureManyOrgs({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [one] = await stage.publish(1);
  if (!one) throw new RangeError("no caller");
  const many = await stage.publish(isSmoke ? 100 : 10_000);
  let calls = 0;
  const run = async (keys: string[], ms: number) => {
    const load = {
      kind: "closed",
      port: stage.ports.edge,
      keys,
      path: "/v1/chat/completions",
      body: writeCallBody(false),
      connections: 16,
      ms,
    } as const;
    const report = await stage.load({ ...load, status: 200, bytes: jsonAnswer.length });
    calls += report.calls;
    await stage.quiet();
    return report;
  };
  const variant = (keys: string[]) => ({ warm: () => run(keys, plan.warmMs), run: () => run(keys, 2 * plan.windowMs) });
  const rounds = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { one: variant([one.text]), many: variant(many.map(({ text }) => text)) },
  );
  await checkSettled(stage, [one, ...many], calls);
  const pick = (name: "one" | "many") => median(rounds.taken.map((round) => readCpuMicros(round[name])));
  const figures = { oneMicros: pick("one"), manyMicros: pick("many"), orgs: many.length };
  const note =
    `${formatNumber(many.length)} orgs ${formatNumber(figures.manyMicros)} µs, ` +
    `one org ${formatNumber(figures.oneMicros)} µs`;
  const ratios = rounds.taken.map((round) => readCpuMicros(round.many) / readCpuMicros(round.one));
  return [
    makeRow("many orgs taking turns: CPU a call, against one", { bound: "at most", value: 1.2, unit: "×" }, ratios, {
      note,
      figures,
      explainUncounted: explainUncounted(rounds, isSmoke),
    }),
  ];
}

function readCpuMicros({ cpuMs, outcome }: Window<LoadFigures>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
