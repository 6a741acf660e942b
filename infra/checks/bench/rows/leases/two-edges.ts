import { jsonAnswer, writeCallBody } from "../../load/answers.ts";
import type { Bench } from "../../bench-plan.ts";
import { readCpuMs } from "../../cpu.ts";
import type { Caller } from "../../load/callers.ts";
import type { LoadFigures } from "../../load/load.ts";
import { explainUncounted, formatNumber, makeRow, type BenchRow } from "../../row.ts";
import { takeRounds, type Rounds } from "../../rounds.ts";
import { startSecondEdge, type SecondEdge } from "../../servers/second-edge.ts";
import { BrokenError, checkSettled } from "../../side.ts";
import type { Stage } from "../../stage.ts";
import { median } from "../../stats.ts";

/** Requests a minute that the limited org may make: enough for leases, and reached within one window. */
const limit = 2_000;
const smokeLimit = 100;
const connections = 16;

/** What one edge process did: its calls, and its CPU for them in ms. */
interface EdgeWork {
  figures: LoadFigures;
  cpuMs: number;
}

/**
 * One org over two edge processes at once, against the same on the straight road of one; and whether the two together
 * ever let more through than a limit allows.
 */
export async function measureTwoEdges(bench: Bench): Promise<BenchRow[]> {
  const second = await startSecondEdge(bench.stage);
  try {
    return [await measureRates(bench, second), await measureOvershoot(bench, second)];
  } finally {
    await second.stop();
  }
}

/**
 * Both processes have the same core here, so seconds would say nothing. What counts is what each could answer with a
 * core of its own: its calls over its CPU, added up. The ledger's work is in the first one's.
 */
async function measureRates({ stage, plan, isSmoke }: Bench, second: SecondEdge): Promise<BenchRow> {
  const [[hot], [straight]] = await Promise.all([stage.publish(1), stage.straight.publish(1)]);
  if (!hot || !straight) throw new RangeError("no caller");
  const calls = { two: 0, straight: 0 };
  const runTwo = async (ms: number) => {
    const works = await Promise.all([
      run(stage, { port: stage.ports.edge, pid: stage.workerdPid, caller: hot, ms }),
      run(stage, { port: second.port, pid: second.pid, caller: hot, ms }),
    ]);
    await stage.quiet();
    calls.two += works.reduce((sum, { figures }) => sum + figures.calls, 0);
    return works;
  };
  const runStraight = async (ms: number) => {
    const { port, pid } = { port: stage.straight.ports.edge, pid: stage.workerdPid };
    const work = await run(stage, { port, pid, caller: straight, ms });
    await stage.straight.quiet();
    calls.straight += work.figures.calls;
    return [work];
  };
  const rounds: Rounds<"straight" | "two", EdgeWork[]> = await takeRounds(
    { ...plan, pid: stage.workerdPid },
    {
      straight: { warm: () => runStraight(plan.warmMs), run: () => runStraight(plan.windowMs) },
      two: { warm: () => runTwo(plan.warmMs), run: () => runTwo(plan.windowMs) },
    },
  );
  await checkSettled(stage, [hot], calls.two);
  await checkSettled(stage.straight, [straight], calls.straight);
  const pick = (name: "straight" | "two", value: (works: EdgeWork[]) => number) =>
    median(rounds.taken.map((round) => value(round[name].outcome)));
  const figures = {
    twoPerCpuSecond: pick("two", ratePerCore),
    straightPerCpuSecond: pick("straight", ratePerCore),
    twoPerSecond: pick("two", ratePerSecond),
    straightPerSecond: pick("straight", ratePerSecond),
  };
  const ratios = rounds.taken.map(({ two, straight }) => ratePerCore(two.outcome) / ratePerCore(straight.outcome));
  const note =
    `a core each, by their CPU: ${formatNumber(figures.twoPerCpuSecond)}/s against ` +
    `${formatNumber(figures.straightPerCpuSecond)}/s; all on one core ${formatNumber(figures.twoPerSecond)}/s ` +
    `against ${formatNumber(figures.straightPerSecond)}/s`;
  return makeRow(
    "one org over two edges: calls a second, against straight on one",
    { bound: "at least", value: 3, unit: "×" },
    ratios,
    { note, figures, explainUncounted: explainUncounted(rounds, isSmoke) },
  );
}

async function run(
  stage: Stage,
  { port, pid, caller, ms }: { port: number; pid: number; caller: Caller; ms: number },
): Promise<EdgeWork> {
  const beforeMs = readCpuMs(pid);
  const aim = { port, keys: [caller.text], path: "/v1/chat/completions", body: writeCallBody(false) };
  const figures = await stage.load({
    kind: "closed",
    ...aim,
    connections,
    ms,
    status: 200,
    bytes: jsonAnswer.length,
  });
  return { figures, cpuMs: readCpuMs(pid) - beforeMs };
}

function ratePerCore(works: EdgeWork[]): number {
  return works.reduce((sum, { figures, cpuMs }) => sum + (figures.calls / cpuMs) * 1_000, 0);
}

function ratePerSecond(works: EdgeWork[]): number {
  return works.reduce((sum, { figures }) => sum + (figures.calls / figures.wallMs) * 1_000, 0);
}

/** Calls through both until both refuse; all within one minute, in which nothing slides out of the window. */
async function measureOvershoot({ stage, isSmoke }: Bench, second: SecondEdge): Promise<BenchRow> {
  const requestsPerMinute = isSmoke ? smokeLimit : limit;
  const [caller] = await stage.publish(1, { requestsPerMinute });
  if (!caller) throw new RangeError("no caller");
  const startedMs = performance.now();
  const admitted = { first: 0, second: 0 };
  let refused = 0;
  const call = async (name: "first" | "second", port: number) => {
    const aim = { port, keys: [caller.text], path: "/v1/chat/completions", body: writeCallBody(false) };
    const { statuses } = await stage.load({
      kind: "closed",
      ...aim,
      connections,
      ms: 500,
      status: [200, 429],
      bytes: null,
    });
    admitted[name] += statuses[200] ?? 0;
    refused += statuses[429] ?? 0;
    return statuses[200] ?? 0;
  };
  let passed = Number.NaN;
  // Twice nothing: a lease that had room left has ended meanwhile.
  for (let silent = 0; silent < 2; silent = passed === 0 ? silent + 1 : 0) {
    passed = (await Promise.all([call("first", stage.ports.edge), call("second", second.port)])).reduce(
      (a, b) => a + b,
    );
    if (performance.now() - startedMs > 50_000) throw new BrokenError("the limit was not reached within its minute");
  }
  const all = admitted.first + admitted.second;
  await checkSettled(stage, [caller], all);
  const note =
    `${all} of ${requestsPerMinute} admitted (${admitted.first} and ${admitted.second}), ${refused} refused; ` +
    `${requestsPerMinute - all} were refused without cause`;
  return makeRow(
    "… calls admitted above a limit",
    { bound: "exactly", value: 0, unit: "" },
    [Math.max(0, all - requestsPerMinute)],
    { note, figures: { ...admitted, refused } },
  );
}
