import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadFigures } from "../load/load.ts";
import { formatNumber, makeRow, explainUncounted, type BenchRow } from "../row.ts";
import { takeRounds, type Window } from "../rounds.ts";
import { checkSettled } from "../side.ts";
import { median } from "../stats.ts";
import { makeBadKeys, makeRefusalLoad } from "./counts.ts";

/**
 * What refusing a key that we never made costs, against a call that is admitted: guessing keys must not be a way to
 * exhaust us.
 */
export async function measureRefusals({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  const keys = await makeBadKeys();
  const port = stage.ports.edge;
  let calls = 0;
  const admit = async (ms: number) => {
    const report = await stage.load({
      ...makeRefusalLoad(port, [caller.text]),
      ms,
      status: 200,
      bytes: jsonAnswer.length,
      body: writeCallBody(false),
    });
    calls += report.calls;
    await stage.quiet();
    return report;
  };
  const refuse = (keys: string[]) => ({
    warm: () => stage.load({ ...makeRefusalLoad(port, keys), ms: plan.warmMs }),
    run: () => stage.load({ ...makeRefusalLoad(port, keys), ms: plan.windowMs }),
  });
  const rounds = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    {
      malformed: refuse(keys.slice(0, 2)),
      forged: refuse(keys.slice(2)),
      admitted: { warm: () => admit(plan.warmMs), run: () => admit(plan.windowMs) },
    },
  );
  await checkSettled(stage, [caller], calls);
  const readCostlier = (round: (typeof rounds.taken)[number]) =>
    Math.max(readCpuMicros(round.malformed), readCpuMicros(round.forged));
  const pick = (name: "malformed" | "forged" | "admitted") =>
    median(rounds.taken.map((round) => readCpuMicros(round[name])));
  const figures = {
    malformedMicros: pick("malformed"),
    forgedMicros: pick("forged"),
    admittedMicros: pick("admitted"),
  };
  const note =
    `malformed ${formatNumber(figures.malformedMicros)} µs, forged ${formatNumber(figures.forgedMicros)} µs, ` +
    `admitted ${formatNumber(figures.admittedMicros)} µs`;
  const ratios = rounds.taken.map((round) => readCostlier(round) / readCpuMicros(round.admitted));
  return [
    makeRow(
      "refusing a key not ours: CPU, against an admitted call",
      { bound: "at most", value: 0.3, unit: "×" },
      ratios,
      { note, figures, explainUncounted: explainUncounted(rounds, isSmoke) },
    ),
  ];
}

function readCpuMicros({ cpuMs, outcome }: Window<LoadFigures>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
