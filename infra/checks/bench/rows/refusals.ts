import { callBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { LoadReport } from "../load/load.ts";
import { plain, rowOf, whyNot, type Row } from "../row.ts";
import { takeRounds, type Window } from "../rounds.ts";
import { checkSettled } from "../stage.ts";
import { median } from "../stats.ts";
import { badKeys, refusal } from "./counts.ts";

/** What a key that we never made costs, against a call that is admitted: guessing must not be a way to wear us out. */
export async function refusalRow({ stage, plan, isSmoke }: Bench): Promise<Row[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  const keys = await badKeys();
  const port = stage.ports.edge;
  let calls = 0;
  const admit = async (ms: number) => {
    const report = await stage.load({
      ...refusal(port, [caller.text]),
      ms,
      status: 200,
      bytes: jsonAnswer.length,
      body: callBody(false),
    });
    calls += report.calls;
    await stage.quiet();
    return report;
  };
  const refuse = (keys: string[]) => ({
    warm: () => stage.load({ ...refusal(port, keys), ms: plan.warmMs }),
    run: () => stage.load({ ...refusal(port, keys), ms: plan.windowMs }),
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
  const costly = (round: (typeof rounds.taken)[number]) => Math.max(micros(round.malformed), micros(round.forged));
  const of = (name: "malformed" | "forged" | "admitted") => median(rounds.taken.map((round) => micros(round[name])));
  const figures = { malformedMicros: of("malformed"), forgedMicros: of("forged"), admittedMicros: of("admitted") };
  const note =
    `malformed ${plain(figures.malformedMicros)} µs, forged ${plain(figures.forgedMicros)} µs, admitted ` +
    `${plain(figures.admittedMicros)} µs`;
  const ratios = rounds.taken.map((round) => costly(round) / micros(round.admitted));
  return [
    rowOf(
      "refusing a key not ours: CPU, against an admitted call",
      { bound: "at most", value: 0.3, unit: "×" },
      ratios,
      { note, figures, whyNot: whyNot(rounds, isSmoke) },
    ),
  ];
}

function micros({ cpuMs, outcome }: Window<LoadReport>): number {
  return (cpuMs / outcome.calls) * 1_000;
}
