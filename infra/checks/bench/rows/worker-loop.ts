import { writeCallBody } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import type { Caller } from "../load/callers.ts";
import { explainUncounted, formatNumber, makeRow, type BenchRow } from "../row.ts";
import { takeRounds } from "../rounds.ts";
import { checkSettled } from "../side.ts";
import { median } from "../stats.ts";

/** Workers that call, and so the calls at once that their org may make. */
const workers = 4;

/**
 * Workers that call in a loop, as many as their org may have calls at once, through the official SDK with its own
 * retries: what one stream takes, from the first try to the next call, against the same without a limit. A slot must
 * be free again by the time that the end of a stream has reached its caller and the next call has come.
 */
export async function measureWorkerLoop({ stage, plan, isSmoke }: Bench): Promise<BenchRow[]> {
  const [limited] = await stage.publish(1, { concurrency: workers });
  const [free] = await stage.publish(1);
  if (!limited || !free) throw new RangeError("no caller");
  const calls = { limited: 0, free: 0 };
  const callsEach = isSmoke ? 2 : 8;
  const run = async (name: "limited" | "free", { text: key }: Caller, callsEach: number) => {
    const port = stage.ports.edge;
    const report = await stage.load({ kind: "workers", port, key, body: writeCallBody(true), workers, callsEach });
    calls[name] += report.calls;
    await stage.quiet();
    return report;
  };
  const variant = (name: "limited" | "free", caller: Caller) => ({
    warm: () => run(name, caller, 1),
    run: () => run(name, caller, callsEach),
  });
  const rounds = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    { free: variant("free", free), limited: variant("limited", limited) },
  );
  await checkSettled(stage, [free], calls.free);
  await checkSettled(stage, [limited], calls.limited);
  const readCallMs = (name: "limited" | "free") =>
    rounds.taken.map(({ [name]: { outcome } }) => outcome.wallMs / (outcome.calls / workers));
  const [limitedMs, freeMs] = [readCallMs("limited"), readCallMs("free")];
  const figures = { limitedMs: median(limitedMs), freeMs: median(freeMs) };
  const note =
    `${workers} workers, streams of 100 events, the openai SDK: ${formatNumber(figures.limitedMs)} ms a call against ` +
    `${formatNumber(figures.freeMs)} ms`;
  return [
    makeRow(
      "workers at exactly their concurrency limit: time a call, against no limit",
      { bound: "at most", value: 1.1, unit: "×" },
      limitedMs.map((ms, at) => ms / (freeMs[at] ?? Number.NaN)),
      { note, figures, explainUncounted: explainUncounted(rounds, isSmoke) },
    ),
  ];
}
